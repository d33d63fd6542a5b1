// Names of the wire as people read them.

/** Those that mean something in that form. */
const SPECIAL = '."\\';

/**
 * The uncompressed name at an offset with its final dot, in the form of RFC 1035 section 5.1: octets that are no printable
 * ASCII stand there as `\DDD`, so that the text can neither end a line nor move a terminal.
 * @returns null where the name is cut or compressed
 */
export function nameText(message: Uint8Array, start: number): string | null {
  let text = '';
  for (let at = start; ; ) {
    const length = message[at];
    if (length === undefined || length > 63) return null;
    if (length === 0) return text === '' ? '.' : text;
    if (message.length - at - 1 < length) return null;
    for (const octet of message.subarray(at + 1, at + 1 + length)) text += escaped(octet);
    text += '.';
    at += 1 + length;
  }
}

function escaped(octet: number): string {
  if (octet <= 0x20 || octet >= 0x7f) return `\\${String(octet).padStart(3, '0')}`;
  const character = String.fromCharCode(octet);
  return SPECIAL.includes(character) ? `\\${character}` : character;
}

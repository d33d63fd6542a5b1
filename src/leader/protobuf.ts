// Reads the fields of one protobuf message: the wire types that MasterInfo uses, bounds-checked, unknown fields skipped.

/** The bytes are not a protobuf message. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/** The last value of every field (proto2: the last one wins). A field of another wire type counts as absent. */
export interface Fields {
  /** A varint's low 32 bits, unsigned: enough for uint32, and for an int32 that is not negative. */
  number(field: number): number | undefined;
  bytes(field: number): Uint8Array | undefined;
  /** UTF-8; ill-formed sequences become U+FFFD. */
  text(field: number): string | undefined;
}

/** @throws ProtobufError */
export function readFields(data: Uint8Array): Fields {
  const numbers = new Map<number, number>();
  const chunks = new Map<number, Uint8Array>();
  let offset = 0;

  while (offset < data.length) {
    const tag = readVarint();
    const field = tag >>> 3;
    if (field === 0) throw new ProtobufError('field number 0');
    const wireType = tag & 7;
    if (wireType === 0) numbers.set(field, readVarint());
    else if (wireType === 1) take(8);
    else if (wireType === 2) chunks.set(field, take(readVarint()));
    else if (wireType === 5) take(4);
    else throw new ProtobufError(`wire type ${wireType} of field ${field}`); // 3 and 4 are groups, never used by Mesos
  }
  return {
    number: (field) => numbers.get(field),
    bytes: (field) => chunks.get(field),
    text: (field) => {
      const chunk = chunks.get(field);
      return chunk === undefined ? undefined : new TextDecoder().decode(chunk);
    },
  };

  function readVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = data[offset];
      if (byte === undefined) throw new ProtobufError('the message ends within a number');
      offset += 1;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new ProtobufError('a number of more than ten bytes');
  }

  function take(length: number): Uint8Array {
    if (data.length - offset < length) throw new ProtobufError('the message ends within a field');
    offset += length;
    return data.subarray(offset - length, offset);
  }
}

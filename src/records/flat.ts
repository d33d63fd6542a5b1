// Concatenated texts as values of large maps.

/**
 * The text, in one piece in memory. A concatenation is a tree of its parts until a character of it is read. Hashing trees is
 * slower than making them flat first, and a tree that is made flat late stays beside the text, in memory that is collected
 * last.
 */
export function flat(text: string): string {
  text.charCodeAt(text.length - 1);
  return text;
}

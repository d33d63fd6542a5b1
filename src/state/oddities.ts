// Collects what is odd in a state document: one warning for each agent, framework or task, however many there are.

/** Warnings listed one by one; the rest is only counted. */
const MAX_WARNINGS = 20;
const MAX_QUOTED_LENGTH = 80;

export class Oddities {
  private readonly listed: string[] = [];
  private readonly current: string[] = [];
  private total = 0;

  /** Agents, frameworks and tasks with an oddity so far. */
  get count(): number {
    return this.total;
  }

  /** Notes something about the element being read. */
  note(what: string): void {
    this.current.push(what);
  }

  /** Forgets what was noted about the element being read. @returns whether that was anything */
  discard(): boolean {
    const isOdd = this.current.length > 0;
    this.current.length = 0;
    return isOdd;
  }

  /** Ends an element: if anything was noted about it, `describe` names it in one warning. */
  endElement(describe: () => string): void {
    if (this.current.length === 0) return;
    this.total += 1;
    if (this.total <= MAX_WARNINGS) this.listed.push(`${describe()}: ${this.current.join('; ')}`);
    this.current.length = 0;
  }

  /** One line each. */
  warnings(): string[] {
    const more = this.total - this.listed.length;
    return more === 0 ? [...this.listed] : [...this.listed, `and ${more} more odd elements`];
  }
}

/** A text or value from a document, on one line and of limited length, for a warning. */
export function quoted(value: unknown): string {
  const text = jsonText(value);
  return text.length <= MAX_QUOTED_LENGTH ? text : `${text.slice(0, MAX_QUOTED_LENGTH)}…`;
}

/** JSON.parse reads lists nested so deeply that JSON.stringify has no stack for them. */
function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'nothing';
  } catch {
    return Array.isArray(value) ? 'a deeply nested list' : 'a deeply nested object';
  }
}

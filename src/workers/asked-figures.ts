// Figures that another thread is asked for by message: all who want them at a time get the same answer.

/** A thread that is busy for longer is not waited for. */
const ANSWER_LIMIT_MS = 500;

export class AskedFigures<Figures> {
  #known: Figures | null = null;
  #asking: Promise<Figures | null> | null = null;
  #onAnswer: (() => void) | null = null;

  /** @param post asks; false where nobody can be asked. @returns what was known before where no answer comes in time */
  ask(post: () => boolean): Promise<Figures | null> {
    this.#asking ??= new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ANSWER_LIMIT_MS);
      this.#onAnswer = () => {
        clearTimeout(timer);
        resolve();
      };
      if (!post()) this.#onAnswer();
    }).then(() => {
      this.#asking = null;
      return this.#known;
    });
    return this.#asking;
  }

  /** The answer has come. */
  take(figures: Figures): void {
    this.#known = figures;
    this.#onAnswer?.();
  }
}

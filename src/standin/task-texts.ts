// What was written of tasks. They never change, so it stays right.

import type { Task } from './model.ts';

export class TaskTexts {
  readonly #write: (task: Task) => string;
  #texts = new WeakMap<Task, string>();

  constructor(write: (task: Task) => string) {
    this.#write = write;
  }

  of(task: Task): string {
    let text = this.#texts.get(task);
    if (text === undefined) {
      text = this.#write(task);
      this.#texts.set(task, text);
    }
    return text;
  }

  /** Gives their memory back. */
  forget(): void {
    this.#texts = new WeakMap();
  }
}

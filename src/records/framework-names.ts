// The names of each domain fragment: frameworks of one name share them.

import type { LabelRule } from './labels.ts';
import { NamesOfFramework } from './service-names.ts';

interface Shared {
  readonly names: NamesOfFramework;
  /** Frameworks of that name. */
  users: number;
}

export class FrameworkNames {
  readonly #domain: string;
  readonly #rule: LabelRule;
  readonly #dottedNames: boolean;
  readonly #byFragment = new Map<string, Shared>();

  constructor(domain: string, rule: LabelRule, dottedNames: boolean) {
    this.#domain = domain;
    this.#rule = rule;
    this.#dottedNames = dottedNames;
  }

  /** null where no framework uses the fragment. */
  of(fragment: string): NamesOfFramework | null {
    return this.#byFragment.get(fragment)?.names ?? null;
  }

  /** How many fragments there are with names of tasks. */
  get filledCount(): number {
    let count = 0;
    for (const { names } of this.#byFragment.values()) if (!names.isEmpty) count += 1;
    return count;
  }

  /** One more framework has this fragment. */
  use(fragment: string): void {
    const shared = this.#byFragment.get(fragment);
    if (shared !== undefined) {
      shared.users += 1;
      return;
    }
    const addAlias = this.#dottedNames ? () => undefined : null;
    const names = new NamesOfFramework(fragment, this.#domain, this.#rule, addAlias);
    this.#byFragment.set(fragment, { names, users: 1 });
  }

  /** One framework less has it. */
  leave(fragment: string): void {
    const shared = this.#byFragment.get(fragment);
    if (shared === undefined) return;
    shared.users -= 1;
    if (shared.users === 0) this.#byFragment.delete(fragment);
  }
}

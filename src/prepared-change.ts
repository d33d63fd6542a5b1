// Something that was prepared for another configuration: whatever can fail comes before any of it is in force.

export interface PreparedChange {
  /** The new configuration is in force. */
  done(): void;
  /** It does not come to that. */
  undo(): Promise<unknown>;
}

export const NO_CHANGE: PreparedChange = { done: () => undefined, undo: async () => undefined };

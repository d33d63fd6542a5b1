// Something that was prepared for another configuration, and can be taken back: whatever may fail comes first.

export interface PreparedChange {
  /** The new configuration is in force. */
  done(): void;
  /** It does not come to that. */
  undo(): Promise<unknown>;
}

export const NO_CHANGE: PreparedChange = { done: () => undefined, undo: async () => undefined };

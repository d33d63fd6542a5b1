// The part of the WebAssembly JavaScript interface that the host uses. TypeScript declares it with the DOM only.

declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): { readonly module: string; readonly name: string; readonly kind: string }[];
    static exports(module: Module): { readonly name: string; readonly kind: string }[];
  }
  class Instance {
    constructor(module: Module, imports: { readonly [module: string]: { readonly [name: string]: unknown } });
    readonly exports: { readonly [name: string]: unknown };
  }
  class Memory {
    constructor(descriptor: { readonly initial: number; readonly maximum: number; readonly shared: true });
    readonly buffer: SharedArrayBuffer;
    /** @returns the number of pages before */
    grow(pages: number): number;
  }
  class Global {
    private constructor();
    readonly value: unknown;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}

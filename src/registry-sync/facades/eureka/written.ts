import type { ShownList } from "../../present/eureka.ts";

/** Lists as they were written, of each list those of its newest version: many clients ask for the same bytes. */
export class WrittenLists {
  readonly #written = new WeakMap<
    ShownList,
    { readonly version: number; readonly bodies: Map<string, Promise<Buffer>> }
  >();

  /** The list in this version and form; `write` makes it where it was not made, or another version was asked for since. */
  get(list: ShownList, version: number, form: string, write: () => Promise<Buffer>): Promise<Buffer> {
    let written = this.#written.get(list);
    if (written?.version !== version) {
      written = { version, bodies: new Map() };
      this.#written.set(list, written);
    }
    let body = written.bodies.get(form);
    if (body === undefined) {
      body = write();
      written.bodies.set(form, body);
    }
    return body;
  }
}

import { seeClassNames } from "../class-names.ts";
import type { SeeName } from "../hessian2/class-names.ts";
import { type Fastjson2Limits, fastjson2Error } from "./constants.ts";
import { Fastjson2Reader } from "./reader.ts";

/**
 * Reads values and tells of every class that they name: as the type of anything, a number or null too, for which Java makes an object all the
 * same; under `@type`; and those that generic calls name in maps and descriptors. Throws what reading throws.
 */
export class Fastjson2ClassNames extends Fastjson2Reader {
  #see: SeeName = () => {};

  constructor(limits: Partial<Fastjson2Limits> = {}) {
    super(limits);
  }

  /** Reads the one value that fills the bytes. */
  read(bytes: Uint8Array, see: SeeName): void {
    this.#see = see;
    try {
      seeClassNames([this.reset(bytes).readValue()], see);
      if (!this.done) throw fastjson2Error(`${this.end - this.offset} bytes behind the value`, this.offset);
    } finally {
      this.#see = () => {};
      this.release();
    }
  }

  protected override onClass(name: string): void {
    this.#see(name);
  }
}

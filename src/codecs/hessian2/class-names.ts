import type { Hessian2Limits } from "./constants.ts";
import { Skipper } from "./skip.ts";
import { sliceUnits } from "./strings.ts";

/** Takes a class's name as it stands on the wire, such as `com.acme.Order` or `[com.acme.Order`; each time that one is written. */
export type SeeName = (name: string) => void;

/**
 * Walks over values as {@link Skipper} does and tells of every class that they name: in definitions, and as the type of a list or map. No name
 * is written anywhere else in Hessian2, so that a provider loads no class that was not told of. Throws what walking throws.
 */
export class ClassNameWalker extends Skipper {
  #see: SeeName = () => {};

  constructor(limits: Partial<Hessian2Limits> = {}) {
    super(limits);
  }

  /** Walks over `count` values from `start` on; gives where they end. */
  walk(bytes: Buffer, start: number, end: number, count: number, see: SeeName): number {
    this.#see = see;
    try {
      this.reset(bytes, start, end).skipValues(count);
      return this.offset;
    } finally {
      this.#see = () => {};
      this.release();
    }
  }

  protected override onClass(at: number, whole: boolean): void {
    const behind = this.offset;
    if (whole) this.#see(sliceUnits(this.bytes, this.rangeStart, this.rangeStart + this.rangeLength, this.rangeLength));
    else this.#see(this.#text(at));
    this.offset = behind;
  }

  protected override skipType(p: number): number {
    const behind = super.skipType(p);
    this.offset = p;
    if (this.isString()) this.#see(this.#text(p));
    this.offset = behind;
    return behind;
  }

  #text(at: number): string {
    this.offset = at;
    return this.readString() ?? "";
  }
}

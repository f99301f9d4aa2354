/** The parts that the tests use as an oracle; neither package brings types. */
declare module "hessian.js" {
  export function encode(value: unknown, version: "2.0"): Buffer;
  export function decode(bytes: Buffer, version: "2.0"): unknown;
  export class DecoderV2 {
    constructor(bytes: Buffer);
    read(): unknown;
  }
}

declare module "js-to-java" {
  interface JavaTypes {
    (className: string, value: unknown): unknown;
    int(value: number): unknown;
    long(value: number | string): unknown;
    boolean(value: boolean): unknown;
    String(value: string): unknown;
  }
  const java: JavaTypes;
  export default java;
}

import { encodeFrame } from "../../src/codecs/dubbo2/frame.ts";

/** Bytes from hex with any spaces; parts in double quotes are ASCII. */
export function bytesOf(text: string): Buffer {
  const parts = text
    .split('"')
    .map((part, i) => Buffer.from(i % 2 === 1 ? part : part.replace(/\s+/g, ""), i % 2 === 1 ? "latin1" : "hex"));
  return Buffer.concat(parts);
}

/** The worked request of the protocol's description: sayHello("bob") of com.foo.Hello, 154 bytes. */
export const WORKED_BODY = bytesOf(`05"2.0.2" 0d"com.foo.Hello" 05"0.0.0" 08"sayHello" 12"Ljava/lang/String;" 03"bob"
  48 04"path" 0d"com.foo.Hello" 12"remote.application" 04"demo" 09"interface" 0d"com.foo.Hello"
  07"version" 05"0.0.0" 07"timeout" 04"1000" 5a`);

/** A two-way Hessian2 request frame around a body. */
export function requestFrame(body: Uint8Array, flags = 0xc2): Buffer {
  return encodeFrame({ flags, status: 0, idHigh: 0, idLow: 1 }, body);
}

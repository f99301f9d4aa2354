import { describe, expect, test } from "vitest";
import { tellSpoken } from "../../../../src/bridge-proxy/inbound/first-bytes.ts";

const bytes = (hex: string) => Buffer.from(hex, "hex");
const text = (value: string) => Buffer.from(value, "latin1");

describe("what a connection speaks is told by its first bytes", () => {
  test.each<[string, Buffer, string | undefined]>([
    ["nothing yet", bytes(""), undefined],
    ["a handshake's first byte", bytes("16"), undefined],
    ["a TLS handshake", bytes("160301"), "tls"],
    ["a handshake of another version", bytes("1602"), "unknown"],
    ["half of Dubbo2's magic", bytes("da"), undefined],
    ["Dubbo2's magic", bytes("dabb"), "dubbo"],
    ["half of the magic, then something else", bytes("dada"), "unknown"],
    ["P, of PRI or POST", text("P"), undefined],
    ["PR, of PRI or PROPFIND", text("PR"), undefined],
    ["HTTP/2's preface", text("PRI * HTTP/2.0\r\n"), "http2"],
    ["PRI", text("PRI"), "http2"],
    ["GET", text("G"), "http1"],
    ["POST", text("PO"), "http1"],
    ["PROPFIND", text("PROP"), "http1"],
    ["a word in lower case", text("ls\r\n"), "unknown"],
    ["zeros", bytes("0000"), "unknown"],
    ["ff", bytes("ff"), "unknown"],
  ])("%s", (_name, first, spoken) => expect(tellSpoken(first)).toBe(spoken));

  test("no more than three bytes are waited for, and more never change the answer", () => {
    const wrong: string[] = [];
    for (let number = 0; number < 65_536; number++) {
      const three = Buffer.from([number >> 8, number & 255, 0x49]);
      const said = tellSpoken(three);
      const before = [tellSpoken(three.subarray(0, 1)), tellSpoken(three.subarray(0, 2))];
      if (said === undefined || before.some((one) => one !== undefined && one !== said))
        wrong.push(three.toString("hex"));
    }
    expect(wrong).toEqual([]);
  });
});

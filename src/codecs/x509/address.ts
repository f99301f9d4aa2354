import { ProtocolError } from "../../base/errors.ts";

/** An IP address as alternative names have it: 4 or 16 bytes. Throws a `ProtocolError` for a text that is none. */
export function addressBytes(text: string): Buffer {
  const fault = () => new ProtocolError("x509", `${JSON.stringify(text.slice(0, 60))} is no IP address`);
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const parts = text.split(".").map(Number);
    if (parts.some((part) => part > 255)) throw fault();
    return Buffer.from(parts);
  }
  const [head = "", tail, ...more] = text.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const missing = 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: Math.max(0, missing) }, () => "0"), ...after];
  const isWhole = tail === undefined ? missing === 0 : missing > 0;
  if (more.length > 0 || !isWhole || !all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) throw fault();
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

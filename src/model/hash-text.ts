import { createHash } from "node:crypto";

/** A short hash of text: 16 hexadecimal digits. */
export function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** Methods that Node's buffers have had since 0.x and its type declarations leave out: one encoding each, without a lookup by name. */
interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  ucs2Slice(start?: number, end?: number): string;
  utf8Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset?: number, length?: number): number;
  utf8Write(text: string, offset?: number, length?: number): number;
}

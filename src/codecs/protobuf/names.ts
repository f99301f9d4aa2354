/** How protobuf's names are written elsewhere. */

/** A field's name in JSON unless the file says another: protoc's rule. */
export function camelCase(name: string): string {
  return name.replace(/_+([^_]?)/g, (_, letter: string) => letter.toUpperCase());
}

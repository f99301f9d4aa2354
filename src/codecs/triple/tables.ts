/**
 * Whether the Hessian2 value that starts with this tag can leave something in its stream's tables of references, definitions and
 * types, or need something from there: lists, maps, objects and references can.
 */
export function usesTables(tag: number): boolean {
  if (tag >= 0x60 && tag <= 0x7f) return true;
  switch (tag) {
    case 0x43: // class definition
    case 0x48: // map
    case 0x4d: // typed map
    case 0x4f: // object
    case 0x51: // reference
    case 0x55: // lists
    case 0x56:
    case 0x57:
    case 0x58:
      return true;
    default:
      return false;
  }
}

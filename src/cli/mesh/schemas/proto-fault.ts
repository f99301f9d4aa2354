/** Files that count under the folders of `protos`; a file that is named itself counts whatever its name is. */
export const PROTO_NAMES = /\.(proto|pb|desc|protoset)$/i;

/** Why a file gives no types, and where: `path` or `path:line`. */
export class ProtoFault extends Error {
  readonly at: string;

  constructor(at: string, message: string) {
    super(message);
    this.name = "ProtoFault";
    this.at = at;
  }
}

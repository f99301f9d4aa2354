import { serviceFiles } from "../../../codecs/protobuf/service-files.ts";
import { ProtoFault } from "./proto-fault.ts";

/** Most bytes of one service's types. */
const MAX_SERVICE_BYTES = 1024 * 1024;

/** A service's types as snapshots have them. Throws `ProtoFault` where they are over {@link MAX_SERVICE_BYTES}. */
export function encodeService(
  service: Parameters<typeof serviceFiles>[0] & { readonly typeName: string },
  at: string,
): string {
  const bytes = serviceFiles(service);
  if (bytes.length > MAX_SERVICE_BYTES)
    throw new ProtoFault(
      at,
      `the types of ${service.typeName} have ${bytes.length} bytes, over the limit of ${MAX_SERVICE_BYTES}`,
    );
  return Buffer.from(bytes).toString("base64");
}

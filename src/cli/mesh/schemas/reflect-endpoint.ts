import { authorityOf } from "../../../base/address.ts";
import { parseAnswer } from "../../../codecs/triple/answer.ts";
import { printRequestHead } from "../../../codecs/triple/head.ts";
import { connectGrpc } from "../../triple/client.ts";
import { ReflectionRefusal, reflectSchema } from "../../triple/reflection.ts";
import type { AskedPlace, Reach } from "../reach.ts";
import { encodeService } from "./encode-service.ts";
import type { ReflectionAnswer } from "./reflection.ts";

/** All that asking one endpoint may take, ms. */
const TIMEOUT_MS = 2_000;
/** Most bytes of all that a server answers. */
const MAX_BYTES = 2 * 1024 * 1024;

/** Asks one gRPC or Triple server what it says of a service, within two seconds; never rejects. */
export async function reflectEndpoint(reach: Reach, at: AskedPlace, service: string): Promise<ReflectionAnswer> {
  const untilMs = Date.now() + TIMEOUT_MS;
  try {
    const to = reach(at, { protocol: "tri", port: at.port });
    const client = await connectGrpc({ ...to, connectTimeoutMs: TIMEOUT_MS, maxMessageBytes: MAX_BYTES });
    try {
      let bytes = 0;
      const schema = await reflectSchema(async (path, method, messages) => {
        const timeoutMs = Math.max(1, untilMs - Date.now());
        const answers: Buffer[] = [];
        const { fields } = printRequestHead({
          ...{ authority: authorityOf(at.address, at.port), path, method, group: "", version: "", timeoutMs },
          ...{ consumerApplication: undefined, attachments: [] },
        });
        const { head, trailers } = await client.call({
          ...{ fields, messages, timeoutMs },
          onMessage(answer) {
            bytes += answer.length;
            if (bytes > MAX_BYTES) throw new Error(`the server's reflection is over ${MAX_BYTES} bytes`);
            answers.push(Buffer.from(answer));
          },
        });
        return { answers, end: parseAnswer(head, trailers) };
      }, service);
      const found = schema.types.getService(service);
      if (found === undefined) return { type: "no_service" };
      return { type: "types", protobuf: encodeService(found, `${at.address}:${at.port}`) };
    } finally {
      client.close();
    }
  } catch (error) {
    if (error instanceof ReflectionRefusal) return { type: error.reason };
    return { type: "failed", why: (error as Error).message };
  }
}

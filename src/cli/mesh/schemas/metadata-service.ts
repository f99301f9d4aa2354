import type { Outcome } from "../../../codecs/dubbo2/body.ts";
import type { IncomingCall } from "../../../codecs/dubbo2/connection.ts";
import { objectValue } from "../../../codecs/value.ts";
import { METADATA_SERVICE, metadataInfoValue } from "../../../registry-sync/application/metadata-info.ts";
import { type DubboServer, listenDubbo } from "../../dubbo/server.ts";
import type { MetadataBook } from "./metadata-book.ts";

/** Where workers reach it: nobody else can. */
export const METADATA_HOST = "127.0.0.1";

/**
 * A Dubbo2 provider of `org.apache.dubbo.metadata.MetadataService` for the applications of a book, the group being the application; for
 * the workers, which carry consumers' calls here by their ordinary routes. Rejects where the loopback address can't be bound.
 */
export function listenMetadata(book: MetadataBook): Promise<DubboServer> {
  return listenDubbo({ host: METADATA_HOST, port: 0, handler: (call) => answerMetadata(book, call) });
}

/** What such a call is answered: null for a revision that is not known, as Dubbo does. */
export function answerMetadata(book: Pick<MetadataBook, "find">, call: IncomingCall): Outcome {
  const value = (answer: Outcome["value"]): Outcome => ({ type: "value", value: answer });
  if (call.interface === METADATA_SERVICE) {
    const [revision] = call.args;
    if (call.method === "getMetadataInfo" && typeof revision === "string") {
      const info = book.find(call.group, revision);
      return value(info === undefined ? null : metadataInfoValue(info));
    }
    if (call.method === "serviceName") return value(call.group);
    if (call.method === "version") return value("1.0.0");
  }
  const text = `trestle: ${call.interface.slice(0, 200)}.${call.method.slice(0, 200)} is not answered for application ${call.group.slice(0, 200)}; ask one of its instances`;
  return {
    type: "exception",
    value: objectValue("java.lang.RuntimeException", [["detailMessage", text]]),
  };
}

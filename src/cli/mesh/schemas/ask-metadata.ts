import { printAddress } from "../../../base/address.ts";
import { parseAnswer } from "../../../codecs/triple/answer.ts";
import { printRequestHead } from "../../../codecs/triple/head.ts";
import type { Value } from "../../../codecs/value.ts";
import type { ApplicationInstance, MetadataPlace } from "../../../model/application.ts";
import { isLoneRevision } from "../../../registry-sync/application/instance.ts";
import {
  decodeMetadataInfo,
  encodeMetadataRequest,
  exportedUrlsOf,
  METADATA_SERVICE,
  METADATA_SERVICE_V2,
  type MetadataInfo,
  metadataInfoOf,
} from "../../../registry-sync/application/metadata-info.ts";
import type { AskMetadata } from "../../../registry-sync/application/revisions.ts";
import { describeError, describeThrown } from "../../call-values.ts";
import { connectDubbo } from "../../dubbo/client.ts";
import type { SocketOptions } from "../../socket.ts";
import { callTriple } from "../../triple/call.ts";
import { connectGrpc } from "../../triple/client.ts";
import type { Reach } from "../reach.ts";

/** All that asking one instance may take, ms; a real one answers in a few. */
const TIMEOUT_MS = 3_000;
/** Most bytes of an answer. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * Asks an instance for its revision's services where `reach` says, as a consumer of its line does: over Dubbo2; over Triple in protobuf where
 * the instance says version 2.0.0, and else, or where it does not know that, in Triple's wrapper; an instance of 2.7 for the URLs that it exports.
 */
export function createAskMetadata(reach: Reach): AskMetadata {
  return async (application, instance, signal) => {
    const place = instance.metadata ?? { protocol: "dubbo", port: instance.port, version: "1.0.0" };
    try {
      const at = { ...reach(instance, place), connectTimeoutMs: TIMEOUT_MS, signal };
      return await askAt(application, instance, place, at);
    } catch (error) {
      if (signal.aborted) return undefined;
      const where = `${place.protocol}://${printAddress(instance.address, place.port)}`;
      throw new Error(`${where} was asked for its metadata: ${(error as Error).message}`);
    }
  };
}

async function askAt(
  application: string,
  instance: ApplicationInstance,
  place: MetadataPlace,
  at: Place,
): Promise<MetadataInfo | undefined> {
  if (isLoneRevision(instance.revision)) {
    const value = await callDubbo(application, at, EXPORTED);
    return exportedUrlsOf(value, application, instance.revision);
  }
  if (place.protocol !== "tri") {
    return metadataInfoOf(await callDubbo(application, at, requestOf(instance.revision)));
  }
  if (!place.version.startsWith("2")) return askWrapped(application, at, instance.revision);
  try {
    return await askProtobuf(application, at, instance.revision);
  } catch (error) {
    // Who answers nothing, or cannot be reached, does not answer another question either.
    if (!(error instanceof StatusError) || at.signal.aborted) throw error;
    const info = await askWrapped(application, at, instance.revision).catch(() => undefined);
    if (info === undefined) throw error;
    return info;
  }
}

/** A call was answered with a status that is none of success. */
class StatusError extends Error {}

/** Where an instance is asked, until when. */
interface Place extends SocketOptions {
  readonly signal: AbortSignal;
}

function requestOf(revision: string) {
  return {
    interface: METADATA_SERVICE,
    method: "getMetadataInfo",
    descriptor: "Ljava/lang/String;",
    args: [revision],
    attachments: {},
  };
}

const EXPORTED = { ...requestOf(""), method: "getExportedURLs", descriptor: "", args: [] };

/** What the application's MetadataService answers over Dubbo2. */
async function callDubbo(
  application: string,
  at: Place,
  asked: Omit<ReturnType<typeof requestOf>, "args"> & { readonly args: string[] },
): Promise<Value> {
  const client = await connectDubbo(at);
  try {
    const request = { ...asked, group: application, version: "1.0.0", twoWay: true };
    const response = await client.call(request, TIMEOUT_MS);
    if (response === null || response.type === "error") {
      throw new Error(response === null ? "no answer" : describeError(response).trim());
    }
    if (response.type === "exception") throw new Error(describeThrown(response.value).trim());
    return response.value;
  } finally {
    client.close();
  }
}

async function askWrapped(
  application: string,
  { host, port, signal, tls }: Place,
  revision: string,
): Promise<MetadataInfo | undefined> {
  const outcome = await callTriple({
    address: { scheme: "tri", host, port },
    service: { interface: METADATA_SERVICE, group: application, version: "1.0.0" },
    request: requestOf(revision),
    options: { timeout: TIMEOUT_MS, maxMessage: MAX_BYTES, attachment: [] },
    ...{ signal, tls },
  });
  if (outcome.type === "error") throw new Error(`gRPC ${outcome.status} ${outcome.name}: ${outcome.text}`);
  if (outcome.type === "exception") throw new Error(describeThrown(outcome.value).trim());
  return metadataInfoOf(outcome.value);
}

async function askProtobuf(application: string, at: Place, revision: string): Promise<MetadataInfo | undefined> {
  const client = await connectGrpc({ ...at, maxMessageBytes: MAX_BYTES });
  try {
    const { fields } = printRequestHead({
      ...{ authority: client.address, path: METADATA_SERVICE_V2, method: "GetMetadataInfo" },
      ...{ group: application, version: "2.0.0", timeoutMs: TIMEOUT_MS },
      ...{ consumerApplication: undefined, attachments: [] },
    });
    let answer: Buffer | undefined;
    const { head, trailers } = await client.call({
      ...{ fields, messages: [encodeMetadataRequest(revision)], timeoutMs: TIMEOUT_MS },
      onMessage: (bytes) => {
        answer = Buffer.from(bytes);
      },
    });
    const end = parseAnswer(head, trailers);
    if (end.type === "error") throw new StatusError(`gRPC ${end.grpc}: ${end.message}`);
    const info = answer && decodeMetadataInfo(answer);
    return info === undefined || info.services.length === 0 ? undefined : info;
  } finally {
    client.close();
  }
}

import { type IncomingMessage, request as plainRequest } from "node:http";
import { type RequestOptions, request as secureRequest } from "node:https";
import { TransientError } from "../base/errors.ts";
import { ApiFailure, type KubernetesApi, type KubernetesPlace } from "./api.ts";

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** Long, for a page of a list may be large. */
const ANSWER_MS = 30_000;
const SENT_MS = 10_000;

/**
 * Opens the way to an API server as a kubeconfig has it, with its certificates, tokens and exec plugins; the package for that is loaded
 * now. Throws `TransientError` where there is no configuration.
 */
export async function openKubernetes(place: KubernetesPlace): Promise<KubernetesApi> {
  const { KubeConfig } = await loadClient();
  const config = new KubeConfig();
  try {
    if (place.kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(place.kubeconfig);
    if (place.context !== undefined) config.setCurrentContext(place.context);
  } catch (error) {
    throw new TransientError(`the kubeconfig cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const cluster = config.getCurrentCluster();
  // What the package makes of nothing at all.
  if (place.kubeconfig === undefined && cluster?.server === "http://localhost:8080" && cluster.name === "cluster")
    throw new TransientError(
      "there is no kubeconfig: KUBECONFIG is not set, there is no ~/.kube/config, and this is no pod with a service account",
    );
  if (cluster === null || !URL.canParse(cluster.server))
    throw new TransientError(
      `the kubeconfig names no server for context ${JSON.stringify(config.getCurrentContext())}`,
    );
  const base = new URL(cluster.server);
  const open = async (path: string, signal: AbortSignal, sent: Sent = {}): Promise<IncomingMessage> => {
    const { method = "GET", body } = sent;
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = { accept: "application/json", ...(body !== undefined && { "content-type": type }) };
    const options: RequestOptions = { method, headers, signal };
    try {
      await config.applyToHTTPSOptions(options);
    } catch (error) {
      throw unreachable(path, error);
    }
    // It sets an agent for TLS whatever the server is; kubectl's proxy is one without.
    if (base.protocol === "http:") delete options.agent;
    return answerOf(new URL(`${base.pathname.replace(/\/$/, "")}${path}`, base), path, options, body);
  };
  return {
    get: (path, signal) =>
      within(ANSWER_MS, signal, async (limit) => parseJson(path, await textOf(path, await open(path, limit)))),
    send: (method, path, body, signal) =>
      within(SENT_MS, signal, async (limit) => {
        const answer = await open(path, limit, { method, body: JSON.stringify(body) });
        return parseJson(path, await textOf(path, answer));
      }),
    async *lines(path, signal) {
      const answer = await open(path, signal);
      let rest = "";
      try {
        const decoder = new TextDecoder("utf-8", { fatal: true });
        for await (const chunk of answer as AsyncIterable<Buffer>) {
          const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
          rest = lines.pop() ?? "";
          if (rest.length > MAX_LINE_BYTES)
            throw new TransientError(`a line of ${path} is over ${MAX_LINE_BYTES} bytes`);
          for (const line of lines) if (line !== "") yield parseJson(path, line);
        }
      } catch (error) {
        if (signal.aborted) return;
        throw unreachable(path, error);
      } finally {
        answer.destroy();
      }
    },
  };
}

/**
 * Runs what ends at the signal's word or after a time. The timer holds it: where `AbortSignal.any` joins one of `AbortSignal.timeout`, garbage
 * collection may take that, and nothing ends it any more.
 */
async function within<T>(ms: number, signal: AbortSignal, run: (limit: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const stop = () => limit.abort(signal.reason);
  const timer = setTimeout(() => limit.abort(new Error(`timeout: no whole answer in ${ms} ms`)), ms);
  signal.addEventListener("abort", stop);
  try {
    signal.throwIfAborted();
    return await run(limit.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

/** What a request is beside a GET. */
interface Sent {
  readonly method?: string;
  readonly body?: string;
}

/** The package is large and needed by those alone who have such a registry. */
async function loadClient(): Promise<typeof import("@kubernetes/client-node")> {
  try {
    return await import("@kubernetes/client-node");
  } catch (error) {
    throw new TransientError("the package @kubernetes/client-node is missing; install it beside Trestle", {
      cause: error,
    });
  }
}

function answerOf(url: URL, path: string, options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === "http:" ? plainRequest : secureRequest;
    const sent = send(url, options);
    sent.on("error", (error) => reject(unreachable(path, error)));
    sent.on("response", (answer) => {
      const status = answer.statusCode ?? 0;
      if (status >= 200 && status < 300) return resolve(answer);
      textOf(path, answer).then(
        (text) => reject(new ApiFailure(path, status, reasonIn(text))),
        () => reject(new ApiFailure(path, status, "")),
      );
    });
    sent.end(body);
  });
}

async function textOf(path: string, answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw new TransientError(`the answer of ${path} is over ${MAX_ANSWER_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw unreachable(path, error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    // A name read wrong would be another name.
    throw new TransientError(`the answer of ${path} is not UTF-8`);
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TransientError(`${path} was not answered in JSON`, { cause: error });
  }
}

/** The message of a Status object. */
function reasonIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message.slice(0, 500) : "";
  } catch {
    return "";
  }
}

function unreachable(path: string, error: unknown): Error {
  if (error instanceof TransientError) return error;
  return new TransientError(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

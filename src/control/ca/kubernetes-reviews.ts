import { request as plainRequest } from "node:http";
import { type RequestOptions, request as secureRequest } from "node:https";
import { TransientError } from "../../base/errors.ts";
import type { ReviewToken } from "./token-review.ts";

const ANSWER_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";

/**
 * Opens the API server that a kubeconfig names, for reviews of tokens; that of the pod or of kubectl unless told. Throws a `TransientError`
 * where there is no configuration. No text of a token is in any error.
 */
export async function openTokenReviews(kubeconfig: string | undefined): Promise<ReviewToken> {
  const { KubeConfig } = await loadClient();
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new TransientError(`the kubeconfig cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const server = config.getCurrentCluster()?.server ?? "";
  if (!URL.canParse(server)) throw new TransientError("the kubeconfig names no server");
  return async (review, signal) => {
    const options: RequestOptions = {
      method: "POST",
      headers: { accept: "application/json", "content-type": "application/json" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    };
    try {
      await config.applyToHTTPSOptions(options);
    } catch (error) {
      throw new TransientError(`tokens can't be reviewed: ${(error as Error).message}`, { cause: error });
    }
    // It sets an agent for TLS whatever the server is; kubectl's proxy is one without.
    if (server.startsWith("http:")) delete options.agent;
    return post(new URL(`${new URL(server).pathname.replace(/\/$/, "")}${PATH}`, server), options, review);
  };
}

async function loadClient(): Promise<typeof import("@kubernetes/client-node")> {
  try {
    return await import("@kubernetes/client-node");
  } catch (error) {
    throw new TransientError("the package @kubernetes/client-node is missing; install it beside Trestle", {
      cause: error,
    });
  }
}

function post(url: URL, options: RequestOptions, body: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(new TransientError(`tokens can't be reviewed: ${reason}`));
    const sent = (url.protocol === "http:" ? plainRequest : secureRequest)(url, options, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) answer.destroy(new Error(`the answer is over ${MAX_ANSWER_BYTES} bytes`));
        else chunks.push(chunk);
      });
      answer.on("error", (error) => fail(error.message));
      answer.on("end", () => {
        if (answer.statusCode !== 200 && answer.statusCode !== 201)
          return fail(`the API answered with ${answer.statusCode}`);
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString("utf8")));
        } catch {
          fail("the answer is no JSON");
        }
      });
    });
    sent.on("error", (error) => fail(error.message));
    sent.end(JSON.stringify(body));
  });
}

import { TransientError } from "../base/errors.ts";

/** What is asked of an API server. Each throws `ApiFailure` for a status that is no success, `TransientError` where nobody answers. */
export interface KubernetesApi {
  /** The JSON of one answer. */
  get(path: string, signal: AbortSignal): Promise<unknown>;
  /** The JSON of each line of an answer, until it ends. */
  lines(path: string, signal: AbortSignal): AsyncIterable<unknown>;
  /** Sends an object, with PATCH as a merge patch; gives the JSON that it is answered with. */
  send(method: "POST" | "PATCH", path: string, body: object, signal: AbortSignal): Promise<unknown>;
}

/** Where an API server is. */
export interface KubernetesPlace {
  /** A kubeconfig file; where kubectl and pods look for it unless told (KUBECONFIG, ~/.kube/config, the service account of the pod). */
  readonly kubeconfig?: string;
  /** One of its contexts; the current one unless told. */
  readonly context?: string;
}

/** An answer that is no success. */
export class ApiFailure extends TransientError {
  readonly status: number;
  /** What the server says of it; empty for nothing. */
  readonly reason: string;

  constructor(path: string, status: number, reason: string) {
    super(`${path} was answered ${status}${reason === "" ? "" : `: ${reason}`}`);
    this.name = "ApiFailure";
    this.status = status;
    this.reason = reason;
  }
}

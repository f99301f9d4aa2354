import { TransientError } from "../../base/errors.ts";
import { ApiFailure, type KubernetesApi } from "../../kubernetes/api.ts";
import type { Identity } from "../../model/identity.ts";
import { type Authenticator, serviceAccountIdentity } from "./callers.ts";

/** Asks Kubernetes' API to review a token: sends a TokenReview object and gives the answered one. Throws a `TransientError` where it can't be asked. */
export type ReviewToken = (review: object, signal: AbortSignal) => Promise<unknown>;

/** Reviews of an API server. No text of a token is in any error. */
export function reviewsBy(api: Pick<KubernetesApi, "send">): ReviewToken {
  return async (review, signal) => {
    try {
      return await api.send("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review, signal);
    } catch (error) {
      const reason = error instanceof ApiFailure ? `the API answered with ${error.status}` : (error as Error).message;
      throw new TransientError(`tokens can't be reviewed: ${reason}`);
    }
  };
}

/**
 * A token that Kubernetes' API confirms proves its service account. The token must be for one of the audiences: one that a pod has for
 * the API itself says nothing here. Source: authentication.k8s.io/v1 TokenReview; istio/istio security/pkg/k8s/tokenreview.
 */
export function byTokenReview(ask: ReviewToken, audiences: readonly string[], trustDomain: string): Authenticator {
  return {
    name: "kubernetes",
    async authenticate({ token }, signal) {
      if (token === undefined || !isJwt(token)) return undefined;
      const review = {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token, audiences },
      };
      return readReview(await ask(review, signal), audiences, trustDomain);
    },
  };
}

/** Three parts with a point between: others are no token of Kubernetes', and none of its business. */
function isJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}

/** The identity that an answered TokenReview confirms; undefined where it does not. */
export function readReview(answer: unknown, audiences: readonly string[], trustDomain: string): Identity | undefined {
  const { status } = (answer ?? {}) as {
    readonly status?: {
      readonly authenticated?: unknown;
      readonly audiences?: unknown;
      readonly user?: { readonly username?: unknown };
    };
  };
  if (status?.authenticated !== true) return undefined;
  // An API that does not know audiences leaves them out of its answer: then nobody has checked them.
  const confirmed: readonly unknown[] = Array.isArray(status.audiences) ? status.audiences : [];
  if (!confirmed.some((one) => audiences.includes(one as string))) return undefined;
  return serviceAccountIdentity(status.user?.username, trustDomain);
}

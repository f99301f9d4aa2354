import { ownAnswer } from "../../codecs/dubbo2/status.ts";
import { type Fields, fieldValue } from "../../codecs/fields.ts";
import type { RequestHead } from "../../codecs/http1/head.ts";
import { Http1Error } from "../../codecs/http1/limits.ts";
import { isAmbiguous, loosePath } from "../../codecs/request-path.ts";
import { methodName } from "../http/head.ts";
import type { HostDecision } from "../route.ts";
import type { RequestHead as OutsideHead } from "../triple/caller-stream.ts";
import { outsideHead } from "./http-head.ts";
import { answerOfHttp, Refused } from "./own-answer.ts";
import type { GatewayHost, GatewayRequest, GatewayRoute } from "./table.ts";

/** What is known of all requests of a connection with one and the same header list that go to a service which speaks HTTP. */
export interface Carried {
  /** As the provider is to have it. */
  readonly head: RequestHead;
  readonly decision: HostDecision;
  /** For the answer's head, where the rule says who may read it; undefined where that is the service's to say. */
  readonly added: Fields | undefined;
}

/** A request that a route of `host` takes. */
export interface TakenRequest extends GatewayRequest {
  readonly query: string;
  readonly scheme: "http" | "https";
  readonly host: GatewayHost;
  readonly route: GatewayRoute;
  readonly hasWaited: boolean;
}

/**
 * How a request is carried to a service that speaks HTTP. Throws `Refused` where it must not be: where its path can be read in several ways and routes
 * go by paths, or for what HTTP/1.1 has no form for; `CallError` for fields that no line can have.
 */
export function carriedBy(asked: OutsideHead, request: TakenRequest, added: Fields): Carried {
  const { path, query, verb, scheme, route } = request;
  if ((fieldValue(asked.fields, "content-type") ?? "").startsWith("application/grpc"))
    throw new Refused(ownAnswer("no_route"), "the service of this path speaks HTTP alone, no gRPC");
  if (request.host.choosesByPath && (isAmbiguous(path) || leadsElsewhere(request)))
    throw new Refused(answerOfHttp(400), "the path can be read in several ways, and routes go by paths here");
  return {
    head: headOf(asked, { target: `${path}${query}`, scheme }),
    decision: route.decisionFor(methodName(verb)),
    added: route.cors === undefined ? undefined : added,
  };
}

/** Whether servers that read a path otherwise than it was sent would serve another route's. */
function leadsElsewhere({ host, route, hasWaited, ...request }: TakenRequest): boolean {
  const path = loosePath(request.path);
  if (path === request.path) return false;
  return isAmbiguous(path) || host.find({ ...request, path }, hasWaited) !== route;
}

function headOf(asked: OutsideHead, parts: Parameters<typeof outsideHead>[1]): RequestHead {
  try {
    return outsideHead(asked, parts);
  } catch (error) {
    if (error instanceof Http1Error) throw new Refused(answerOfHttp(error.status), error.message);
    throw error;
  }
}

import type { Socket } from "node:net";
import { javaClasses } from "../../codecs/java-classes.ts";
import type { ListenerFacts } from "../../codecs/xds/listener.ts";
import { ANY_DOMAIN } from "../../codecs/xds/route.ts";
import { chainFor } from "../../codecs/xds/server-names.ts";
import type { CallerConnection } from "../caller-connection.ts";
import type { ProxyContext } from "../context.ts";
import { Caller } from "../dubbo/caller.ts";
import { type GatewayChain, placeOf } from "../gateway/chains.ts";
import { HttpCaller } from "../http/caller.ts";
import { RouteTable } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { AcceptedCaller } from "../triple/accept.ts";
import { InboundConnection, type InboundOptions } from "./connection.ts";

/** What callers in plain text are told where only mutual TLS is taken. Not to be tried again: it would be refused again. */
const REFUSING = refusing("this provider takes mutual TLS only");
/** Its policies say nothing of calls that a RestMapping would make requests of. */
const REFUSING_CALLS = refusing("this provider speaks HTTP/1.1, and policies hold here for that alone");

/** Every call is answered in its own protocol that it is not allowed: Dubbo2's as an exception, which consumers do not send again. */
function refusing(inlineString: string): RuntimeConfig {
  const routes = [{ match: { prefix: "/" }, directResponse: { status: 403, body: { inlineString } } }];
  return {
    routes: new RouteTable(
      { name: "refused", virtualHosts: [{ name: "refused", domains: [ANY_DOMAIN], routes }] },
      () => {
        throw new Error("no call that is refused has a cluster");
      },
    ),
    applicationOf: () => undefined,
    tagOf: () => "",
    callerOf: () => undefined,
    schemaOf: () => undefined,
    classes: () => javaClasses([]),
  };
}

/** How callers of an inbound listener are served: as on a port of what they speak. */
export function inboundCaller(
  context: ProxyContext,
  protocol: ListenerFacts["protocol"],
  config: () => RuntimeConfig,
): InboundOptions["serve"] {
  return (socket, spoken, isRefused, onClosed) => {
    const isOther = protocol === "http" && spoken !== "http1";
    const open = isOther ? () => (config().routes.hasPolicies ? REFUSING_CALLS : config()) : config;
    const routes = isRefused === undefined ? open : () => (isRefused() ? REFUSING : open());
    if (spoken === "dubbo") return new Caller(context, socket, routes, onClosed);
    if (spoken === "http1" && protocol === "http") return new HttpCaller(context, socket, routes, onClosed, ANY_DOMAIN);
    return new AcceptedCaller(context, socket, routes, onClosed);
  };
}

/** A caller of a gateway's port that ends TLS: in plain text it is not answered. */
export function securedCaller(
  context: ProxyContext,
  socket: Socket,
  chains: readonly GatewayChain[],
  serve: (socket: Socket, routeConfigName: string, onClosed: () => void) => CallerConnection,
  onClosed: () => void,
): CallerConnection {
  const { remoteAddress: address = "", remotePort: port = 0 } = socket;
  let routes = "";
  return new InboundConnection(context, socket, {
    // Nothing is led on as it is where TLS alone is taken.
    facts: () => ({ to: { address, port }, mtls: "STRICT" }),
    gateway: {
      // One without names takes all that ask for TLS: they need not be read.
      readsName: chains.length !== 1 || chains[0]?.serverNames !== undefined,
      choose: (serverName) => {
        const chain = chainFor(chains, serverName);
        if (chain === undefined) return undefined;
        if ("to" in chain) return placeOf(chain, Math.random());
        routes = chain.routeConfigName;
        return chain;
      },
    },
    tls: undefined,
    serve: (secured, _spoken, _isRefused, closed) => serve(secured, routes, closed),
    onClosed,
  });
}

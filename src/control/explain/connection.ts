import type { Judgement } from "./authorization.ts";

/** What an inbound listener takes, by PeerAuthentication. */
export type TakenMtls = "STRICT" | "PERMISSIVE" | "DISABLE";

/** Who a listener that takes that sees in a caller: without TLS nobody shows a certificate. */
export function seenPrincipal(mtls: TakenMtls, principal: string | undefined): string | undefined {
  return mtls === "DISABLE" ? "" : principal;
}

/** What becomes of a call that policies judge so, at a listener that takes that; `principal` is `""` for a caller without a certificate. */
export function judgeConnection(mtls: TakenMtls, principal: string | undefined, judgement: Judgement): Judgement {
  if (mtls !== "STRICT" || (principal !== undefined && principal !== "")) return judgement;
  if (principal === "")
    return {
      ...judgement,
      decision: "denied",
      why: ["PeerAuthentication asks for mutual TLS (STRICT), and the caller has no certificate"],
    };
  if (judgement.decision === "denied") return judgement;
  const more = judgement.decision === "open" ? judgement.why : [];
  return { ...judgement, decision: "open", why: ["it comes by mutual TLS (STRICT)", ...more] };
}

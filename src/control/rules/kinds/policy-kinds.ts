import type { PolicyRule } from "../../../model/rule.ts";
import type { Report } from "../findings.ts";
import type { ObjectShape, ReadObject } from "../schema.ts";
import { authorizationSpec, dubboAuthorizationSpec, readAuthorization } from "./authorization-schema.ts";
import type { ObjectMetadata } from "./gateway-object.ts";
import { annotated } from "./istio-schema.ts";
import { anything, text } from "./istio-values.ts";
import { peerAuthenticationSpec, readPeerAuthentication } from "./peer-authentication.ts";
import { readRequestAuthentication, requestAuthenticationSpec } from "./request-authentication.ts";
import { readSerializationGuard, serializationGuardSpec } from "./serialization-guard.ts";
import { object } from "./shapes.ts";

/** How objects of a kind that says who may call are read. */
export interface PolicyKind {
  readonly apiVersion: RegExp;
  /** What {@link apiVersion} takes, in words. */
  readonly apiVersions: string;
  readonly shape: ObjectShape;
  /** What the kind's spec says, beside what all rules have. */
  readonly read: (spec: ReadObject, metadata: ObjectMetadata, report: Report) => object;
}

const ISTIO = { apiVersion: /^security\.istio\.io\/(v1|v1beta1)$/, apiVersions: "security.istio.io/v1 or v1beta1" };

/** A spec may be left out: Istio's policies without one say something. */
const withSpec = (spec: ObjectShape): ObjectShape =>
  object({
    apiVersion: { shape: text, required: true },
    kind: { shape: text, required: true },
    metadata: { shape: annotated, required: true },
    spec: { shape: spec },
    status: { shape: anything },
  });

/** The kinds of rules that say who may call, by name. */
export const POLICY_KINDS: Readonly<Record<PolicyRule["kind"], PolicyKind>> = {
  AuthorizationPolicy: {
    ...ISTIO,
    shape: withSpec(authorizationSpec),
    read: (spec, { annotations }, report) => readAuthorization(spec, annotations, report),
  },
  PeerAuthentication: {
    ...ISTIO,
    shape: withSpec(peerAuthenticationSpec),
    read: (spec) => readPeerAuthentication(spec),
  },
  RequestAuthentication: {
    ...ISTIO,
    shape: withSpec(requestAuthenticationSpec),
    read: (spec, _, report) => readRequestAuthentication(spec, report),
  },
  SerializationGuard: {
    apiVersion: /^trestle\.io\/v1alpha1$/,
    apiVersions: "trestle.io/v1alpha1",
    shape: withSpec(serializationGuardSpec),
    read: (spec, { annotations }, report) => readSerializationGuard(spec, annotations, report),
  },
  DubboAuthorizationPolicy: {
    apiVersion: /^dubbo\.aeraki\.io\/v1alpha1$/,
    apiVersions: "dubbo.aeraki.io/v1alpha1",
    shape: withSpec(dubboAuthorizationSpec),
    read: (spec, { annotations }, report) => readAuthorization(spec, annotations, report),
  },
};

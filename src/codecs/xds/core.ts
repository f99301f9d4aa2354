/**
 * What several xDS v3 resources are made of, in proto3's JSON form with Envoy's field names. Source: envoy/{type,config/core}/v3.
 */

/** Metadata namespace under which Trestle's own facts stand in a resource. */
export const TRESTLE_METADATA = "io.trestle";

/** proto3 JSON duration: decimal seconds with `s`, such as `"0.250s"`. */
export type Duration = string;

/** A share of calls: `numerator` out of what `denominator` spells. */
export interface FractionalPercent {
  readonly numerator: number;
  readonly denominator: "HUNDRED" | "TEN_THOUSAND" | "MILLION";
}

/** RE2 syntax; a match is always of the full text. */
export interface RegexMatcher {
  readonly regex: string;
}

/** Exactly one of the five is set. */
export interface StringMatcher {
  readonly exact?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly contains?: string;
  readonly safeRegex?: RegexMatcher;
  readonly ignoreCase?: boolean;
}

/** One of `stringMatch` and `presentMatch` is set. A missing header matches nothing; with `invertMatch` a missing header matches when `presentMatch` is set or `treatMissingHeaderAsEmpty` is true (Istio writes both for `withoutHeaders`). */
export interface HeaderMatcher {
  /** Lower case. `dubbo-group`, `dubbo-version`, `dubbo-application`, `dubbo-arg-N[.field...]` mean what product docs say. */
  readonly name: string;
  readonly stringMatch?: StringMatcher;
  readonly presentMatch?: boolean;
  readonly invertMatch?: boolean;
  readonly treatMissingHeaderAsEmpty?: boolean;
}

/** Where Trestle's own facts stand in a resource, beside what Envoy reads. */
export interface Metadata<T> {
  readonly filterMetadata: { readonly [TRESTLE_METADATA]: T };
}

/** The protocols of Dubbo's own, as registries name them: a proxy carries them and translates between them. */
export type WireProtocol = "dubbo" | "tri";

/** All protocols that a proxy carries: Dubbo's own, and HTTP/1.1 as it is. */
export type CarriedProtocol = WireProtocol | "http";

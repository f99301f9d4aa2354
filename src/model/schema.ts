/** What the types of a service's calls are, as far as somebody published them: what a translation between protocols goes by. */

/** The types of one interface's calls; what nobody said is missing. */
export interface ServiceSchema {
  /** The Java interface, or the full name of the gRPC service; one schema stands for all groups and versions. */
  readonly name: string;
  /** From Dubbo's metadata report. */
  readonly java?: JavaDefinition;
  /** A FileDescriptorSet, base64, that holds the gRPC service `name` and all that it needs. */
  readonly protobuf?: string;
}

/** A Java interface as Dubbo's ServiceDefinition has it. Types are named as in Java's source: `long[]`, `java.util.List<com.acme.Line>`. */
export interface JavaDefinition {
  readonly methods: readonly JavaMethod[];
  /** By name, the classes that the methods use. */
  readonly types: Readonly<Record<string, JavaType>>;
}

/** One method; overloads are entries of their own. */
export interface JavaMethod {
  readonly name: string;
  readonly parameterTypes: readonly string[];
  readonly returnType: string;
  /** As long as `parameterTypes` where the publisher says them. */
  readonly parameterNames?: readonly string[];
}

/** A class: its properties with their types, or an enum's constants. */
export interface JavaType {
  readonly properties?: Readonly<Record<string, string>>;
  readonly enums?: readonly string[];
}

package compat

// Rule names a way to break. The identifiers are stable: a rule may be added in a later release, and none changes its meaning.
type Rule string

// The rules of every format.
const (
	// RuleUndecided says that the answer can't be known, or not within the bounds on work; it counts as breaking.
	RuleUndecided Rule = "undecided"
	// RuleFormatChanged says that the two versions are in different schema languages.
	RuleFormatChanged Rule = "format-changed"
)

// The rules of JSON Schema.
const (
	// RuleJSONType says that a type that the writer may use is refused by the reader.
	RuleJSONType Rule = "json-type-narrowed"
	// RuleJSONEnum says that a value that the writer may use is not among the reader's enum or const.
	RuleJSONEnum Rule = "json-enum-narrowed"
	// RuleJSONRequired says that a property that the writer may leave out is required by the reader.
	RuleJSONRequired Rule = "json-required-added"
	// RuleJSONPropertyRefused says that a property of the writer is refused by the reader's closed content model.
	RuleJSONPropertyRefused Rule = "json-property-refused"
	// RuleJSONPropertyConstrained says that the reader constrains a property that the writer's open content model leaves free.
	RuleJSONPropertyConstrained Rule = "json-property-constrained"
	// RuleJSONAdditional says that the reader's content model is narrower for properties that no version names.
	RuleJSONAdditional Rule = "json-additional-properties-narrowed"
	// RuleJSONDependency says that the reader asks for a property whenever another one is there.
	RuleJSONDependency Rule = "json-dependency-added"
	// RuleJSONPropertyCount says that minProperties or maxProperties is narrower.
	RuleJSONPropertyCount Rule = "json-property-count-narrowed"
	// RuleJSONRange says that minimum, maximum or an exclusive bound is narrower.
	RuleJSONRange Rule = "json-range-narrowed"
	// RuleJSONMultipleOf says that multipleOf is new or no divisor of the writer's.
	RuleJSONMultipleOf Rule = "json-multiple-of-narrowed"
	// RuleJSONLength says that minLength or maxLength is narrower.
	RuleJSONLength Rule = "json-length-narrowed"
	// RuleJSONPattern says that the reader has a pattern where the writer has none. Another pattern is RuleUndecided.
	RuleJSONPattern Rule = "json-pattern-added"
	// RuleJSONFormat says that the reader has a format that the writer has not.
	RuleJSONFormat Rule = "json-format-narrowed"
	// RuleJSONItemRefused says that an item of the writer's is refused by the reader's closed tuple.
	RuleJSONItemRefused Rule = "json-item-refused"
	// RuleJSONItemCount says that minItems or maxItems is narrower.
	RuleJSONItemCount Rule = "json-item-count-narrowed"
	// RuleJSONUnique says that uniqueItems is new.
	RuleJSONUnique Rule = "json-unique-items-added"
	// RuleJSONContains says that the reader asks for items that the writer's arrays need not have.
	RuleJSONContains Rule = "json-contains-added"
	// RuleJSONUnion says that what the writer may send fits no branch of the reader's anyOf or oneOf.
	RuleJSONUnion Rule = "json-union-narrowed"
	// RuleJSONNothing says that the reader's schema is false.
	RuleJSONNothing Rule = "json-nothing-allowed"
	// RuleJSONValue says that one value that the writer may use is refused by several keywords of the reader together.
	RuleJSONValue Rule = "json-value-refused"
)

// The rules of Avro.
const (
	// RuleAvroType says that the writer's type neither is the reader's nor is promoted to it.
	RuleAvroType Rule = "avro-type-changed"
	// RuleAvroName says that a record, enum or fixed has another name, which is no alias of the reader's.
	RuleAvroName Rule = "avro-name-changed"
	// RuleAvroDefault says that a field of the reader is not in the writer's record and has no default.
	RuleAvroDefault Rule = "avro-field-without-default"
	// RuleAvroSymbol says that a symbol of the writer is not in the reader's enum, which has no default.
	RuleAvroSymbol Rule = "avro-symbol-missing"
	// RuleAvroFixed says that the size of a fixed differs.
	RuleAvroFixed Rule = "avro-fixed-size-changed"
	// RuleAvroUnion says that a branch of the writer's union fits none of the reader's.
	RuleAvroUnion Rule = "avro-union-branch-missing"
	// RuleAvroLogical says that the bytes are read, but mean something else: another scale, precision or unit.
	RuleAvroLogical Rule = "avro-logical-type-changed"
)

// The rules of Protobuf.
const (
	// RuleProtoMessage says that a message of the writer is not in the reader's file.
	RuleProtoMessage Rule = "proto-message-removed"
	// RuleProtoPackage says that the package differs.
	RuleProtoPackage Rule = "proto-package-changed"
	// RuleProtoType says that a field's type differs in a way that the wire does not bear.
	RuleProtoType Rule = "proto-type-changed"
	// RuleProtoLossy says that a field's types share their form on the wire, but the reader's does not hold every value of the writer's.
	RuleProtoLossy Rule = "proto-type-lossy"
	// RuleProtoMessageType says that a field holds another message.
	RuleProtoMessageType Rule = "proto-message-type-changed"
	// RuleProtoLabel says that a number, bool or enum became repeated or ceased to be.
	RuleProtoLabel Rule = "proto-label-changed"
	// RuleProtoLabelLossy says that a repeated string, bytes or message is read as a single one: only the last is kept.
	RuleProtoLabelLossy Rule = "proto-label-lossy"
	// RuleProtoRequired says that a proto2 field is required by the reader and not by the writer.
	RuleProtoRequired Rule = "proto-required-added"
	// RuleProtoNumber says that a field has another number.
	RuleProtoNumber Rule = "proto-number-changed"
	// RuleProtoReserved says that a field uses a number that an older version reserved.
	RuleProtoReserved Rule = "proto-number-reused"
	// RuleProtoOneofMoved says that fields moved into a oneof together, or into one that was there before.
	RuleProtoOneofMoved Rule = "proto-oneof-moved"
	// RuleProtoOneofMember says that the reader's oneof lacks a member of the writer's.
	RuleProtoOneofMember Rule = "proto-oneof-member-missing"
	// RuleProtoEnumValue says that the reader's closed enum lacks a number of the writer's.
	RuleProtoEnumValue Rule = "proto-enum-value-missing"
	// RuleProtoJSONName says that a field or enum value has another name in JSON; reported where Config.JSONNames asks for it.
	RuleProtoJSONName Rule = "proto-json-name-changed"
)

// Rules returns every rule of Check. The slice is the caller's.
func Rules() []Rule {
	return []Rule{
		RuleUndecided, RuleFormatChanged, RuleJSONType, RuleJSONEnum,
		RuleJSONRequired, RuleJSONPropertyRefused, RuleJSONPropertyConstrained, RuleJSONAdditional,
		RuleJSONDependency, RuleJSONPropertyCount, RuleJSONRange, RuleJSONMultipleOf,
		RuleJSONLength, RuleJSONPattern, RuleJSONFormat, RuleJSONItemRefused,
		RuleJSONItemCount, RuleJSONUnique, RuleJSONContains, RuleJSONUnion,
		RuleJSONNothing, RuleJSONValue, RuleAvroType, RuleAvroName,
		RuleAvroDefault, RuleAvroSymbol, RuleAvroFixed, RuleAvroUnion,
		RuleAvroLogical, RuleProtoMessage, RuleProtoPackage, RuleProtoType,
		RuleProtoLossy, RuleProtoMessageType, RuleProtoLabel, RuleProtoLabelLossy,
		RuleProtoRequired, RuleProtoNumber, RuleProtoReserved, RuleProtoOneofMoved,
		RuleProtoOneofMember, RuleProtoEnumValue, RuleProtoJSONName,
	}
}

"""StructureDefinitions in themselves and against what they are derived from.

https://hl7.org/fhir/R4/structuredefinition.html, https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from typing import Any

from fhirhub.resources import definitions
from fhirhub.resources.canonicals import CORE
from fhirhub.resources.fhirpath import FhirpathError, Item, names
from fhirhub.resources.fhirpath import compile as compile_expression
from fhirhub.resources.fhirpath.model import is_a, is_primitive, is_type
from fhirhub.resources.validation import snapshots
from fhirhub.resources.validation.examination import Examination, Scope
from fhirhub.resources.validation.profiles import type_code

Json = dict[str, Any]

_BINDABLE = frozenset({"code", "Coding", "CodeableConcept", "Quantity", "string", "uri"})
_TEXTS = frozenset(
    {"string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid", "base64Binary"}
)
_RANGED = frozenset(
    {"date", "dateTime", "instant", "time", "decimal", "integer", "positiveInt", "unsignedInt", "Quantity"}
)
_REFERRING = frozenset({"Reference", "canonical", "CodeableReference"})
_SYSTEM = "http://hl7.org/fhirpath/System."
_OBLIGATIONS = (CORE + "obligation-profile-flag", CORE + "obligation-profile")
_INHERITS = (CORE + "inherit-obligations", CORE + "obligation-inherits")


def check(examination: Examination, scope: Scope, item: Item) -> None:
    """Tell what in a StructureDefinition contradicts itself, its base or the types that it names."""
    definition = item.value
    base = examination.canonicals.find("StructureDefinition", str(definition.get("baseDefinition", "")))
    if _is_circular(examination, definition):
        text = f"The definition is derived from itself: {definition.get('url')}"
        examination.tell("error", "business-rule", text, item, below=".baseDefinition")
        base = None
    if base is not None:
        _check_base(examination, item, base)
    fault = snapshots.fault(definition, examination.canonicals)
    if fault is not None:
        text = f"No snapshot can be made from the differential: {fault}"
        examination.tell("error", "invalid", text, item, below=".differential")
    _check_extension(examination, item)
    _check_contexts(examination, item)
    _check_obligations(examination, item)
    for part in ("differential", "snapshot"):
        found = definition.get(part)
        rows = found.get("element") if isinstance(found, dict) else None
        elements = _Elements(examination, item, part, base)
        for position, row in enumerate(rows if isinstance(rows, list) else ()):
            examination.spend()
            if isinstance(row, dict) and isinstance(row.get("path"), str):
                elements.check(row, f".{part}.element[{position}]")


def _is_circular(examination: Examination, definition: Json) -> bool:
    seen: set[str] = {str(definition.get("url"))}
    url = definition.get("baseDefinition")
    while isinstance(url, str):
        plain = url.partition("|")[0]
        if plain in seen:
            return plain == definition.get("url")
        seen.add(plain)
        base = examination.canonicals.find("StructureDefinition", url)
        url = base.get("baseDefinition") if base is not None else None
    return False


def _check_base(examination: Examination, item: Item, base: Json) -> None:
    definition = item.value
    derivation, type, kind = (definition.get(name) for name in ("derivation", "type", "kind"))
    if derivation is None:
        text = "What has a baseDefinition says whether it is a specialization or a constraint of it"
        examination.tell("error", "required", text, item, below=".derivation")
    elif derivation == "constraint":
        if type != base.get("type"):
            text = f"A constraint has the type of its base, {base.get('type')}; got {type}"
            examination.tell("error", "business-rule", text, item, below=".type")
        if kind != base.get("kind"):
            text = f"A constraint has the kind of its base, {base.get('kind')}; got {kind}"
            examination.tell("error", "business-rule", text, item, below=".kind")
    elif type == base.get("type"):
        text = f"A specialization is a type of its own, not {type} again"
        examination.tell("error", "business-rule", text, item, below=".type")


def _check_extension(examination: Examination, item: Item) -> None:
    """An extension fixes its url to its canonical."""
    definition = item.value
    if definition.get("type") != "Extension" or definition.get("baseDefinition") != CORE + "Extension":
        return
    url = definition.get("url")
    fixed = [
        row.get("fixedUri")
        for part in ("snapshot", "differential")
        for row in (definition.get(part) or {}).get("element", ())
        if isinstance(row, dict) and row.get("path") == "Extension.url" and "fixedUri" in row
    ]
    if isinstance(url, str) and (not fixed or fixed[0] != url):
        text = f"An extension fixes Extension.url to {url}; got {fixed[0] if fixed else 'none'}"
        examination.tell("error", "business-rule", text, item)


def _check_contexts(examination: Examination, item: Item) -> None:
    """Where an extension may stand is an element that there is (defining-extensions.html#context)."""
    definition = item.value
    for name in ("context", "contextInvariant"):
        if name in definition and definition.get("type") != "Extension":
            text = f"Only an extension has a context; this is a profile of {definition.get('type')}"
            examination.tell("error", "business-rule", text, item, below=f".{name}")
    for position, expression in enumerate(definition.get("contextInvariant") or ()):
        try:
            compile_expression(str(expression))
        except FhirpathError as fault:
            below = f".contextInvariant[{position}]"
            examination.tell("error", "invalid", f"The expression cannot be read: {fault}", item, below=below)
    for position, context in enumerate(definition.get("context") or ()):
        expression = context.get("expression") if isinstance(context, dict) else None
        if not isinstance(expression, str) or definition.get("type") != "Extension":
            continue
        if context.get("type") == "element" and not _is_element(examination, expression):
            below = f".context[{position}].expression"
            examination.tell(
                "error", "business-rule", f"There is no element {expression[:200]}", item, below=below
            )


_GROUPS = frozenset({"CanonicalResource", "MetadataResource"})


def _is_element(examination: Examination, expression: str) -> bool:
    url, mark, path = expression.partition("#")
    if mark or ":" in expression:
        return mark == "" or examination.canonicals.find("StructureDefinition", url) is None or bool(path)
    type, _, rest = expression.partition(".")
    if type in _GROUPS:
        return True
    if not is_type(type):
        return False
    if not rest:
        return True
    try:
        names.check(rest.replace("[x]", ""), {type})
    except FhirpathError:
        return False
    return True


def _check_obligations(examination: Examination, item: Item) -> None:
    """What obligations are inherited from is marked so, and has the same base."""
    definition = item.value
    for position, extension in enumerate(definition.get("extension") or ()):
        if not isinstance(extension, dict) or extension.get("url") not in _INHERITS:
            continue
        url = extension.get("valueCanonical")
        found = examination.canonicals.find("StructureDefinition", url) if isinstance(url, str) else None
        if found is None:
            continue
        is_marked = any(each.get("url") in _OBLIGATIONS for each in found.get("extension", ()))
        below = f".extension[{position}]"
        if not is_marked:
            examination.tell("error", "business-rule", f"{url} is no obligation profile", item, below=below)
        elif found.get("baseDefinition") != definition.get("baseDefinition"):
            text = f"{url} has the base {found.get('baseDefinition')}, not that of this profile"
            examination.tell("error", "business-rule", text, item, below=below)


class _Elements:
    """The elements of a differential or snapshot, one after another."""

    def __init__(self, examination: Examination, item: Item, part: str, base: Json | None) -> None:
        self.examination = examination
        self.item = item
        self.is_differential = part == "differential"
        self.type = str(item.value.get("type", "")).rpartition("/")[2]
        self.is_resource = definitions.is_resource_type(self.type)
        self.keys: dict[str, str] = {}
        self.base = _rows_by_id(base, examination) if base is not None and self.is_differential else {}

    def tell(self, code: str, text: str, at: str) -> None:
        self.examination.tell("error", code, text, self.item, below=at)

    def check(self, row: Json, at: str) -> None:
        path = str(row["path"])
        if self.type and path != self.type and not path.startswith(self.type + "."):
            self.tell("business-rule", f"The path begins with {self.type}; got {path}", f"{at}.path")
        if self.is_differential and "." not in path and "slicing" in row:
            self.tell("business-rule", "The root of a profile is not sliced", f"{at}.slicing")
        self.check_cardinality(row, at)
        types = [each for each in row.get("type") or () if isinstance(each, dict)]
        self.check_types(types, path, at, self.base_codes(str(row.get("id") or path)))
        codes = {type_code(each) for each in types} if "." in path else set()
        if any(str(each.get("code")).startswith(_SYSTEM) and "extension" not in each for each in types):
            codes = set()  # the value of a primitive type, or an id or url
        if codes and all(is_type(code) for code in codes):
            self.check_for_types(row, codes, at)
        self.check_values(row, codes, at)
        self.check_discriminators(row, path, codes, at)
        self.check_constraints(row, path, codes, at)

    def check_cardinality(self, row: Json, at: str) -> None:
        low, high = row.get("min"), row.get("max")
        own = self.base.get(str(row.get("id") or row["path"]))
        if own is None:
            return
        if isinstance(low, int) and low < own.get("min", 0) and "sliceName" not in row:
            self.tell("business-rule", f"The minimum is at least {own['min']}, that of the base", f"{at}.min")
        most = own.get("max", "*")
        if isinstance(high, str) and most != "*" and (high == "*" or _number(high) > _number(most)):
            self.tell("business-rule", f"The maximum is at most {most}, that of the base", f"{at}.max")

    def check_types(self, types: list[Json], path: str, at: str, allowed: set[str]) -> None:
        find = self.examination.canonicals.find
        for position, given in enumerate(types):
            code = type_code(given)
            where = f"{at}.type[{position}]"
            if allowed and not any(code == each or (is_type(code) and is_a(code, each)) for each in allowed):
                text = f"The base has the types {', '.join(sorted(allowed))}; got {code[:80]}"
                self.tell("business-rule", text, where)
            if "targetProfile" in given and code not in _REFERRING:
                self.tell("business-rule", f"{code} refers to nothing, so it has no targetProfile", where)
            for url in given.get("profile") or ():
                found = find("StructureDefinition", url) if isinstance(url, str) else None
                if found is None or not is_type(code) or "_profile" in given:
                    continue
                type = str(found.get("type"))
                is_fitting = is_a(type, code) or (code == "Resource" and found.get("kind") == "resource")
                if not is_fitting:
                    self.tell("business-rule", f"{url} is a profile of {type}, not of {code}", where)
            for url in given.get("targetProfile") or ():
                found = find("StructureDefinition", url) if isinstance(url, str) else None
                if found is not None and found.get("kind") not in ("resource", "logical"):
                    self.tell("business-rule", f"A reference is to a resource; {url} is none", where)

    def check_for_types(self, row: Json, codes: set[str], at: str) -> None:
        """What only some types can be asked."""
        words = ", ".join(sorted(codes))
        kinds = {"Quantity" if is_a(code, "Quantity") else code for code in codes}
        if "binding" in row and kinds.isdisjoint(_BINDABLE):
            self.tell("business-rule", f"{words} takes no binding", f"{at}.binding")
        if "maxLength" in row and kinds.isdisjoint(_TEXTS):
            self.tell("business-rule", f"{words} has no length", f"{at}.maxLength")
        for key in row:
            if key.startswith(("minValue", "maxValue")) and kinds.isdisjoint(_RANGED):
                self.tell("business-rule", f"{words} has no least or greatest value", f"{at}.{key[:8]}")

    def check_values(self, row: Json, codes: set[str], at: str) -> None:
        """Fixed values and patterns are of a type of the element."""
        for key in row:
            name = next((each for each in ("fixed", "pattern", "defaultValue") if key.startswith(each)), None)
            if name is None or not key[len(name) : len(name) + 1].isupper() or not codes:
                continue
            type = key[len(name) :]
            fitting = {code[:1].upper() + code[1:] for code in codes}
            if type not in fitting and not any(is_a(code, type) for code in codes):
                words = ", ".join(sorted(codes))
                self.tell("business-rule", f"The element is of {words}; got {key}", f"{at}.{name}")
        binding = row.get("binding")
        url = binding.get("valueSet") if isinstance(binding, dict) else None
        find = self.examination.canonicals.find
        if isinstance(url, str) and find("ValueSet", url) is None and find("CodeSystem", url) is not None:
            text = f"A binding is to a value set; {url} is a code system"
            self.tell("business-rule", text, f"{at}.binding.valueSet")

    def check_constraints(self, row: Json, path: str, codes: set[str], at: str) -> None:
        for position, constraint in enumerate(row.get("constraint") or ()):
            expression = constraint.get("expression") if isinstance(constraint, dict) else None
            if not isinstance(expression, str):
                continue
            key, where = str(constraint.get("key")), f"{at}.constraint[{position}]"
            earlier = self.keys.setdefault(key, expression)
            if earlier != expression and key != "ele-1":
                self.tell("business-rule", f"The key {key} stands for another expression already", where)
            try:
                compile_expression(expression)
                names.check(expression, self.focus(path, codes), self.type if self.is_resource else None)
            except FhirpathError as fault:
                text = f"The expression of {key} cannot be read: {fault}"
                self.tell("invalid", text, f"{where}.expression")

    def check_discriminators(self, row: Json, path: str, codes: set[str], at: str) -> None:
        slicing_of = row.get("slicing")
        given = slicing_of.get("discriminator") if isinstance(slicing_of, dict) else None
        for position, discriminator in enumerate(given if isinstance(given, list) else ()):
            expression = discriminator.get("path") if isinstance(discriminator, dict) else None
            if not isinstance(expression, str):
                continue
            try:
                names.check(expression, self.focus(path, codes))
            except FhirpathError as fault:
                text = f"The path of the discriminator leads nowhere: {fault}"
                self.tell("business-rule", text, f"{at}.slicing.discriminator[{position}].path")

    def focus(self, path: str, codes: set[str]) -> set[str] | None:
        """The types of what a constraint is about; None where they are not told here."""
        if "." not in path:
            return {path} if is_type(path) else None
        plain = path.removesuffix("[x]")
        if is_type(plain):
            return {plain}
        found = codes or self.base_codes(path)
        if not found or not all(is_type(code) and not is_primitive(code) for code in found):
            return None
        return found

    def base_codes(self, path: str) -> set[str]:
        own = self.base.get(path)
        return {type_code(each) for each in own.get("type", ())} if own is not None else set()


def _rows_by_id(base: Json, examination: Examination) -> dict[str, Json]:
    try:
        rows = snapshots.rows(base, examination.canonicals)
        return {str(row.get("id") or row["path"]): row for row in rows}
    except (snapshots.SnapshotError, KeyError, TypeError, AttributeError):
        return {}


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 1_000_000

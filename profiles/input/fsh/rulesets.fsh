// What a person reads stands in Dutch, with its English beside it by the translation extension
// (https://hl7.org/fhir/R4/extension-translation.html).

RuleSet: English(title, description)
* ^language = #nl
* insert Translated([[{title}]], [[{description}]])

// A code system names no language of its own: its Dutch displays would else be wrong for who asks in no language.
RuleSet: Translated(title, description)
* ^version = "0.1.0"
* ^date = "2026-11-22"
* ^publisher = "fhirhub"
* ^title.extension[0].url = $translation
* ^title.extension[=].extension[0].url = "lang"
* ^title.extension[=].extension[=].valueCode = #en
* ^title.extension[=].extension[+].url = "content"
* ^title.extension[=].extension[=].valueString = "{title}"
* ^description.extension[0].url = $translation
* ^description.extension[=].extension[0].url = "lang"
* ^description.extension[=].extension[=].valueCode = #en
* ^description.extension[=].extension[+].url = "content"
* ^description.extension[=].extension[=].valueString = "{description}"
* ^jurisdiction = urn:iso:std:iso:3166#NL "Netherlands"

// The same on a resource that is written as an instance.
RuleSet: InEnglish(path, english)
* {path}.extension[0].url = $translation
* {path}.extension[=].extension[0].url = "lang"
* {path}.extension[=].extension[=].valueCode = #en
* {path}.extension[=].extension[+].url = "content"
* {path}.extension[=].extension[=].valueString = "{english}"

// What an element of a profile is for, in both languages.
RuleSet: Say(path, dutch, english)
* {path} ^short = "{dutch}"
* {path} ^short.extension[0].url = $translation
* {path} ^short.extension[=].extension[0].url = "lang"
* {path} ^short.extension[=].extension[=].valueCode = #en
* {path} ^short.extension[=].extension[+].url = "content"
* {path} ^short.extension[=].extension[=].valueString = "{english}"

RuleSet: Complete
* ^status = #active
* ^experimental = false
* ^caseSensitive = true
* ^content = #complete

RuleSet: Concept(code, dutch, english, definition)
* #{code} "{dutch}" "{definition}"
* #{code} ^designation[0].language = #en
* #{code} ^designation[0].value = "{english}"

RuleSet: SnomedCopyright
* ^copyright = "This value set includes SNOMED CT, which is used by permission of SNOMED International. © SNOMED International. Use in the Netherlands is by the national licence (https://www.snomed.org)."

// What a definition that is written as an instance has besides its content; the base is that of sushi-config.yaml.
RuleSet: Defined(type, id, name)
* url = "https://fhirhub.example/fhir/{type}/{id}"
* name = "{name}"
* language = #nl
* version = "0.1.0"
* status = #active
* experimental = false
* date = "2026-11-22"
* publisher = "fhirhub"
* jurisdiction = urn:iso:std:iso:3166#NL "Netherlands"

// By which rule somebody could see what a line of the log tells of.
RuleSet: AllowedBy(agent, rule)
* {agent}.policy = "https://fhirhub.example/fhir/CodeSystem/access-rule#{rule}"

RuleSet: Child(parent, code, dutch, english, definition)
* #{parent} #{code} "{dutch}" "{definition}"
* #{parent} #{code} ^designation[0].language = #en
* #{parent} #{code} ^designation[0].value = "{english}"

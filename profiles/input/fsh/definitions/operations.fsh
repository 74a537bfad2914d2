// The operations that the hub adds to FHIR's own. What is draft is not served yet.

RuleSet: Operation(id, name, code, title, english, description, inEnglish, resource, affects, type, instance)
* insert Defined(OperationDefinition, {id}, {name})
* status = #draft
* title = "{title}"
* insert InEnglish(title, [[{english}]])
* description = "{description}"
* insert InEnglish(description, [[{inEnglish}]])
* kind = #operation
* code = #{code}
* resource = #{resource}
* affectsState = {affects}
* system = false
* type = {type}
* instance = {instance}

RuleSet: Served
* status = #active

RuleSet: Parameter(name, use, min, max, type, dutch, english)
* parameter[+].name = #{name}
* parameter[=].use = #{use}
* parameter[=].min = {min}
* parameter[=].max = "{max}"
* parameter[=].type = #{type}
* parameter[=].documentation = "{dutch}"
* insert InEnglish(parameter[=].documentation, [[{english}]])

RuleSet: Part(number, name, use, min, max, type, dutch, english)
* parameter[=].part[{number}].name = #{name}
* parameter[=].part[{number}].use = #{use}
* parameter[=].part[{number}].min = {min}
* parameter[=].part[{number}].max = "{max}"
* parameter[=].part[{number}].type = #{type}
* parameter[=].part[{number}].documentation = "{dutch}"
* insert InEnglish(parameter[=].part[{number}].documentation, [[{english}]])

RuleSet: Group(name, use, min, max, dutch, english)
* parameter[+].name = #{name}
* parameter[=].use = #{use}
* parameter[=].min = {min}
* parameter[=].max = "{max}"
* parameter[=].documentation = "{dutch}"
* insert InEnglish(parameter[=].documentation, [[{english}]])

Instance: Patient-register
InstanceOf: OperationDefinition
Usage: #definition
Title: "Patiënt inschrijven"
Description: "Vindt of maakt de patiënt met dit BSN en legt de praktijk vast. 201: gemaakt; 200: gevonden; 202: een andere praktijk of geen bekende, de patiënt krijgt een taak. Komen geboortedatum of naam niet overeen: 409, zonder iets te tonen of te schrijven."
* insert Operation([[Patient-register]], [[Register]], [[register]], [[Patiënt inschrijven]], [[Register a patient]], [[Vindt of maakt de patiënt met dit BSN en legt de praktijk vast. 201: gemaakt; 200: gevonden; 202: een andere praktijk of geen bekende, de patiënt krijgt een taak. Komen geboortedatum of naam niet overeen: 409, zonder iets te tonen of te schrijven.]], [[Finds or makes the patient with this BSN and records the practice. 201: made; 200: found; 202: another practice or none known, the patient gets a task. Where birth date or name differ: 409, with nothing shown or written.]], Patient, true, true, false)
* insert Served
* insert Parameter(identifier, in, 1, 1, Identifier, [[Het BSN]], [[The BSN]])
* insert Parameter(birthDate, in, 1, 1, date, [[Geboortedatum]], [[Birth date]])
* insert Parameter(name, in, 1, 1, HumanName, [[Naam]], [[Name]])
* insert Parameter(identityCheck, in, 1, 1, CodeableConcept, [[Hoe de identiteit is vastgesteld]], [[How identity was checked]])
* parameter[=].binding.strength = #required
* parameter[=].binding.valueSet = Canonical(IdentityChecks)
* insert Parameter(return, out, 1, 1, Resource, [[De Patient, of bij 202 de Task voor de patiënt]], [[The Patient, or with 202 the Task for the patient]])

Instance: Patient-deregister
InstanceOf: OperationDefinition
Usage: #definition
Title: "Patiënt uitschrijven"
Description: "Beëindigt de inschrijving bij deze praktijk; deelname eindigt, coördinatie en open taken gaan over per taak."
* insert Operation([[Patient-deregister]], [[Deregister]], [[deregister]], [[Patiënt uitschrijven]], [[Deregister a patient]], [[Beëindigt de inschrijving bij deze praktijk; deelname eindigt, coördinatie en open taken gaan over per taak.]], [[Ends the registration with this practice; participation ends, coordination and open tasks pass by task.]], Patient, true, false, true)
* insert Served
* insert Parameter(reason, in, 0, 1, CodeableConcept, [[Waarom]], [[Why]])
* insert Parameter(return, out, 1, 1, Patient, [[De patiënt zoals die nu is]], [[The patient as it now is]])

Instance: Patient-open-contact
InstanceOf: OperationDefinition
Usage: #definition
Title: "Contact openen tijdens de dienst"
Description: "Een arts of verpleegkundige die waarneemt, opent één patiënt van de praktijk waarvoor wordt waargenomen, tot het einde van de dienst en twaalf uur daarna. Praktijk en patiënt horen het. Geen of meer dan één patiënt, een blokkade of weigering: 404."
* insert Operation([[Patient-open-contact]], [[OpenContact]], [[open-contact]], [[Contact openen tijdens de dienst]], [[Open a contact during cover]], [[Een arts of verpleegkundige die waarneemt, opent één patiënt van de praktijk waarvoor wordt waargenomen, tot het einde van de dienst en twaalf uur daarna. Praktijk en patiënt horen het. Geen of meer dan één patiënt, een blokkade of weigering: 404.]], [[A doctor or nurse who covers opens one patient of the covered practice, until the shift ends and twelve hours after. Practice and patient are told. No patient or several, a block or refusal: 404.]], Patient, true, true, false)
* insert Served
* insert Parameter(identifier, in, 0, 1, Identifier, [[Het BSN]], [[The BSN]])
* insert Parameter(birthDate, in, 0, 1, date, [[Zonder BSN: geboortedatum]], [[Without BSN: birth date]])
* insert Parameter(family, in, 0, 1, string, [[Zonder BSN: achternaam]], [[Without BSN: family name]])
* insert Parameter(postalCode, in, 0, 1, string, [[Zonder BSN: postcode]], [[Without BSN: postcode]])
* insert Parameter(reason, in, 1, 1, CodeableConcept, [[Waarom nu]], [[Why now]])
* parameter[=].binding.strength = #extensible
* parameter[=].binding.valueSet = Canonical(AccessReasons)
* insert Parameter(agreement, in, 1, 1, code, [[Hoe de patiënt instemde]], [[How the patient agreed]])
* parameter[=].binding.strength = #required
* parameter[=].binding.valueSet = Canonical(AgreementMoments)
* insert Parameter(patient, out, 1, 1, Patient, [[De patiënt]], [[The patient]])
* insert Parameter(until, out, 1, 1, instant, [[Tot wanneer het dossier open is]], [[Until when the record is open]])

Instance: Patient-break-glass
InstanceOf: OperationDefinition
Usage: #definition
Title: "Dossier openen in nood"
Description: "Opent één patiënt voor één persoon, zestig minuten, alleen lezen. Vervangt een ontbrekende deelname of een nooit gevraagde toestemming, nooit een blokkade of weigering. Coördinator en patiënt horen het; de privacy officer beoordeelt het."
* insert Operation([[Patient-break-glass]], [[BreakGlass]], [[break-glass]], [[Dossier openen in nood]], [[Break the glass]], [[Opent één patiënt voor één persoon, zestig minuten, alleen lezen. Vervangt een ontbrekende deelname of een nooit gevraagde toestemming, nooit een blokkade of weigering. Coördinator en patiënt horen het; de privacy officer beoordeelt het.]], [[Opens one patient to one person, for sixty minutes, read-only. Stands in for a missing participation or an agreement never asked, never for a block or refusal. Coordinator and patient are told; the privacy officer reviews it.]], Patient, true, true, true)
* insert Served
* insert Parameter(identifier, in, 0, 1, Identifier, [[Het BSN]], [[The BSN]])
* insert Parameter(birthDate, in, 0, 1, date, [[Zonder BSN: geboortedatum]], [[Without BSN: birth date]])
* insert Parameter(family, in, 0, 1, string, [[Zonder BSN: achternaam]], [[Without BSN: family name]])
* insert Parameter(postalCode, in, 0, 1, string, [[Zonder BSN: postcode]], [[Without BSN: postcode]])
* insert Parameter(reason, in, 1, 1, CodeableConcept, [[De reden, met woorden in text]], [[The reason, with words in text]])
* parameter[=].binding.strength = #extensible
* parameter[=].binding.valueSet = Canonical(AccessReasons)
* insert Parameter(patient, out, 1, 1, Patient, [[De patiënt]], [[The patient]])
* insert Parameter(until, out, 1, 1, instant, [[Tot wanneer het dossier open is]], [[Until when the record is open]])

Instance: Patient-invite
InstanceOf: OperationDefinition
Usage: #definition
Title: "Een naaste uitnodigen"
Description: "Maakt de naaste aan en een code voor één keer, veertien dagen geldig. Wie zich ermee aanmeldt en de geboortedatum van de patiënt weet, wordt die naaste."
* insert Operation([[Patient-invite]], [[Invite]], [[invite]], [[Een naaste uitnodigen]], [[Invite a relative]], [[Maakt de naaste aan en een code voor één keer, veertien dagen geldig. Wie zich ermee aanmeldt en de geboortedatum van de patiënt weet, wordt die naaste.]], [[Makes the related person and a one-time code, valid for fourteen days. Who signs in with it and knows the patient’s birth date becomes that person.]], Patient, true, true, true)
* insert Served
* insert Parameter(patient, in, 0, 1, Reference, [[De patiënt, waar dat niet uit het adres volgt]], [[The patient, where the address does not tell]])
* parameter[=].targetProfile = "http://hl7.org/fhir/StructureDefinition/Patient"
* insert Parameter(name, in, 1, 1, HumanName, [[Naam van de naaste]], [[Name of the relative]])
* insert Parameter(relationship, in, 1, 1, CodeableConcept, [[Wat de naaste van de patiënt is]], [[What the relative is to the patient]])
* insert Parameter(telecom, in, 1, *, ContactPoint, [[Telefoon of e-mail voor de code]], [[Phone or email for the code]])
* insert Parameter(relatedPerson, out, 1, 1, RelatedPerson, [[De naaste]], [[The related person]])
* insert Parameter(code, out, 0, 1, string, [[De code, waar hij niet verstuurd kon worden]], [[The code, where it could not be sent]])
* insert Parameter(expires, out, 1, 1, instant, [[Tot wanneer de code geldt]], [[Until when the code is valid]])

Instance: Patient-what-stops
InstanceOf: OperationDefinition
Usage: #definition
Title: "Welke hulp stopt"
Description: "Welke hulp zou stoppen als deze partij niet meer meedoet. Er verandert niets."
* insert Operation([[Patient-what-stops]], [[WhatStops]], [[what-stops]], [[Welke hulp stopt]], [[Which help stops]], [[Welke hulp zou stoppen als deze partij niet meer meedoet. Er verandert niets.]], [[Which help would stop if this party took part no more. Nothing changes.]], Patient, false, false, true)
* insert Served
* insert Parameter(actor, in, 1, 1, Reference, [[De organisatie of persoon]], [[The organisation or person]])
* insert Group(task, out, 0, *, [[Een taak die zou vervallen]], [[A task that would be cancelled]])
* insert Part(0, reference, out, 1, 1, Reference, [[De taak]], [[The task]])
* insert Part(1, description, out, 1, 1, string, [[Welke hulp]], [[Which help]])

Instance: CarePlan-elsewhere
InstanceOf: OperationDefinition
Usage: #definition
Title: "Plannen elders"
Description: "De plannen bij andere hubs waaraan de eigen organisatie meedoet, zoals die ze het laatst lieten zien. Ze zijn hier te lezen en worden daar gewijzigd; staat de andere hub stil, dan zegt een OperationOutcome sinds wanneer het beeld oud is."
* insert Operation([[CarePlan-elsewhere]], [[Elsewhere]], [[elsewhere]], [[Plannen elders]], [[Plans elsewhere]], [[De plannen bij andere hubs waaraan de eigen organisatie meedoet, zoals die ze het laatst lieten zien. Ze zijn hier te lezen en worden daar gewijzigd; staat de andere hub stil, dan zegt een OperationOutcome sinds wanneer het beeld oud is.]], [[The plans at other hubs in which the own organisation takes part, as these last showed them. They are read here and changed there; while the other hub is down, an OperationOutcome says since when the view is stale.]], CarePlan, false, true, false)
* insert Served
* insert Parameter(patient, in, 0, 1, string, [[Alleen over deze patiënt: het adres daar, of systeem en nummer met een streep ertussen]], [[About this patient alone: the address there, or system and number with a bar between]])
* insert Parameter(return, out, 1, 1, Bundle, [[Wat de andere hubs lieten zien]], [[What the other hubs showed]])

Instance: Task-answer-elsewhere
InstanceOf: OperationDefinition
Usage: #definition
Title: "Een taak elders beantwoorden"
Description: "Brengt een taak die bij een andere hub staat daar in een andere toestand, met wat die opleverde, in één keer en uit naam van wie het vraagt. Is die hub niet te bereiken, dan verandert er niets."
* insert Operation([[Task-answer-elsewhere]], [[AnswerElsewhere]], [[answer-elsewhere]], [[Een taak elders beantwoorden]], [[Answer a task elsewhere]], [[Brengt een taak die bij een andere hub staat daar in een andere toestand, met wat die opleverde, in één keer en uit naam van wie het vraagt. Is die hub niet te bereiken, dan verandert er niets.]], [[Brings a task that lives at another hub into another state there with what it produced, at once and in the name of who asks. Where that hub cannot be reached nothing changes.]], Task, true, true, false)
* insert Served
* insert Parameter(task, in, 1, 1, uri, [[Het adres van de taak]], [[The address of the task]])
* insert Parameter(status, in, 0, 1, code, [[De nieuwe toestand; niet nodig als een antwoord de taak afmaakt]], [[The new state; not needed where an answer completes the task]])
* insert Parameter(reason, in, 0, 1, string, [[Waarom, in woorden]], [[Why, in words]])
* insert Parameter(businessStatus, in, 0, 1, CodeableConcept, [[Hoe ver het werk is]], [[How far the work is]])
* insert Parameter(note, in, 0, 1, string, [[Een opmerking die bij de taak komt]], [[A remark that is added to the task]])
* insert Group(output, in, 0, *, [[Wat de taak opleverde]], [[What the task produced]])
* insert Part(0, type, in, 1, 1, CodeableConcept, [[Wat het is]], [[What it is]])
* insert Part(1, text, in, 0, 1, string, [[In woorden]], [[In words]])
* insert Part(2, resource, in, 0, 1, Resource, [[Wat daar gemaakt wordt, zoals een verslag of een meting]], [[What is made there, such as a report or a measurement]])
* insert Parameter(resource, in, 0, *, Resource, [[Wat daar ook gemaakt wordt, zoals de antwoorden op een vragenlijst of een deeltaak]], [[What is made there too, such as the answers to a questionnaire or a sub-task]])
* insert Parameter(return, out, 1, 1, Task, [[De taak zoals die daar nu is]], [[The task as it is there now]])

Instance: Patient-access-log
InstanceOf: OperationDefinition
Usage: #definition
Title: "Wie keek er mee"
Description: "Wie, van welke organisatie, in welke rol, wanneer, wat zag en waarom dat mocht: de regel die het toestond, in gewone taal, Nederlands of Engels."
* insert Operation([[Patient-access-log]], [[AccessLog]], [[access-log]], [[Wie keek er mee]], [[Who looked]], [[Wie, van welke organisatie, in welke rol, wanneer, wat zag en waarom dat mocht: de regel die het toestond, in gewone taal, Nederlands of Engels.]], [[Who, of which organisation, in which role, when, saw what, and why they could: the rule that let them, in plain Dutch or English.]], Patient, false, false, true)
* insert Parameter(start, in, 0, 1, date, [[Vanaf]], [[From]])
* insert Parameter(end, in, 0, 1, date, [[Tot en met]], [[Until]])
* insert Parameter(_count, in, 0, 1, integer, [[Hoeveel op een bladzijde]], [[How many on a page]])
* insert Parameter(return, out, 1, 1, Bundle, [[AuditEvents, de nieuwste eerst, elk met leesbare tekst]], [[AuditEvents, newest first, each with readable text]])
* insert Served

Instance: AuditEvent-review
InstanceOf: OperationDefinition
Usage: #definition
Title: "Het logboek beoordelen"
Description: "Voor de privacy officer: van wat gebruikers van de eigen organisatie deden een steekproef, en wat opvalt. Een uitschieter is een vraag, geen oordeel."
* insert Operation([[AuditEvent-review]], [[Review]], [[review]], [[Het logboek beoordelen]], [[Review the log]], [[Voor de privacy officer: van wat gebruikers van de eigen organisatie deden een steekproef, en wat opvalt. Een uitschieter is een vraag, geen oordeel.]], [[For the privacy officer: of what users of the own organisation did a sample, and what stands out. An outlier is a question, not a verdict.]], AuditEvent, false, true, false)
* status = #active
* insert Parameter(start, in, 0, 1, date, [[Vanaf; zonder: dertig dagen terug]], [[From; without it thirty days back]])
* insert Parameter(end, in, 0, 1, date, [[Tot en met]], [[Until]])
* insert Parameter(sample, in, 0, 1, integer, [[Hoeveel regels in de steekproef; zonder: twintig]], [[How many lines in the sample; without it twenty]])
* insert Parameter(sample, out, 1, 1, Bundle, [[AuditEvents, willekeurig gekozen, elk met leesbare tekst]], [[AuditEvents drawn at random, each with readable text]])
* insert Group(outlier, out, 0, *, [[Iets wat opvalt]], [[Something that stands out]])
* insert Part(0, kind, out, 1, 1, code, [[break-glass, same-name, own-record, colleague, refused, many-on-a-day, more-than-others of out-of-hours]], [[break-glass, same-name, own-record, colleague, refused, many-on-a-day, more-than-others or out-of-hours]])
* insert Part(1, agent, out, 1, 1, Reference, [[Wie]], [[Who]])
* insert Part(2, count, out, 1, 1, integer, [[Hoe vaak, of hoeveel patiënten]], [[How often, or how many patients]])
* insert Part(3, description, out, 1, 1, string, [[In een zin]], [[In a sentence]])
* insert Part(4, patient, out, 0, *, Reference, [[Om wie het gaat, waar dat ertoe doet]], [[Whom it is about, where that matters]])
* insert Part(5, lines, out, 1, 1, uri, [[De regels erbij, als zoekvraag]], [[The lines of it, as a search]])

Instance: Patient-spider
InstanceOf: OperationDefinition
Usage: #definition
Title: "Web van de zes dimensies"
Description: "De scores als reeksen, één voor elke bron en datum. Met Accept: image/svg+xml een tekening met haar tabel. Geen totaal en geen gemiddelde over bronnen."
* insert Operation([[Patient-spider]], [[Spider]], [[spider]], [[Web van de zes dimensies]], [[Web of the six dimensions]], [[De scores als reeksen, één voor elke bron en datum. Met Accept: image/svg+xml een tekening met haar tabel. Geen totaal en geen gemiddelde over bronnen.]], [[The scores as series, one for each source and date. With Accept: image/svg+xml a drawing with its table. No total and no mean across sources.]], Patient, false, false, true)
* status = #active
* insert Parameter(start, in, 0, 1, date, [[Vanaf]], [[From]])
* insert Parameter(end, in, 0, 1, date, [[Tot en met]], [[Until]])
* insert Group(series, out, 0, *, [[Een reeks]], [[A series]])
* insert Part(0, source, out, 1, 1, code, [[Van wie: self, professional of carer]], [[Whose: self, professional or carer]])
* parameter[=].part[0].binding.strength = #required
* parameter[=].part[0].binding.valueSet = Canonical(ScoreSources)
* insert Part(1, date, out, 1, 1, dateTime, [[Wanneer de antwoorden gegeven zijn]], [[When the answers were given]])
* insert Part(2, response, out, 1, 1, Reference, [[De antwoorden]], [[The answers]])
* parameter[=].part[2].targetProfile = "http://hl7.org/fhir/StructureDefinition/QuestionnaireResponse"
* parameter[=].part[3].name = #point
* parameter[=].part[3].use = #out
* parameter[=].part[3].min = 1
* parameter[=].part[3].max = "6"
* parameter[=].part[3].documentation = "Een score"
* insert InEnglish(parameter[=].part[3].documentation, [[A score]])

* parameter[=].part[3].part[0].name = #dimension
* parameter[=].part[3].part[0].use = #out
* parameter[=].part[3].part[0].min = 1
* parameter[=].part[3].part[0].max = "1"
* parameter[=].part[3].part[0].type = #code
* parameter[=].part[3].part[0].documentation = "De dimensie"
* insert InEnglish(parameter[=].part[3].part[0].documentation, [[The dimension]])
* parameter[=].part[3].part[0].binding.strength = #required
* parameter[=].part[3].part[0].binding.valueSet = Canonical(PositiveHealthDimensions)
* parameter[=].part[3].part[1].name = #value
* parameter[=].part[3].part[1].use = #out
* parameter[=].part[3].part[1].min = 1
* parameter[=].part[3].part[1].max = "1"
* parameter[=].part[3].part[1].type = #decimal
* parameter[=].part[3].part[1].documentation = "De score"
* insert InEnglish(parameter[=].part[3].part[1].documentation, [[The score]])

Instance: Patient-crisis-summary
InstanceOf: OperationDefinition
Usage: #definition
Title: "Crisissamenvatting"
Description: "De crisissamenvatting van nu, als document, in één vraag."
* insert Operation([[Patient-crisis-summary]], [[CrisisSummaryOperation]], [[crisis-summary]], [[Crisissamenvatting]], [[Crisis summary]], [[De crisissamenvatting van nu, als document, in één vraag.]], [[The crisis summary as it is now, as a document, in one call.]], Patient, false, false, true)
* status = #active
* insert Parameter(return, out, 1, 1, Bundle, [[Een document met een CrisisSummary]], [[A document with a CrisisSummary]])

Instance: CarePlan-changes
InstanceOf: OperationDefinition
Usage: #definition
Title: "Wat er veranderde"
Description: "Wat er in het plan, team, de doelen, taken, scores, berichten en toestemmingen veranderde, de nieuwste eerst, elk met zijn Provenance. Zonder since de hele tijdlijn."
* insert Operation([[CarePlan-changes]], [[Changes]], [[changes]], [[Wat er veranderde]], [[What changed]], [[Wat er in het plan, team, de doelen, taken, scores, berichten en toestemmingen veranderde, de nieuwste eerst, elk met zijn Provenance. Zonder since de hele tijdlijn.]], [[What changed in plan, team, goals, tasks, scores, messages and consents, newest first, each with its Provenance. Without since the whole timeline.]], CarePlan, false, false, true)
* status = #active
* insert Parameter(since, in, 0, 1, string, [[Een moment, of last-seen voor wat deze persoon nog niet zag]], [[A moment, or last-seen for what this person has not seen yet]])
* insert Parameter(_count, in, 0, 1, integer, [[Hoeveel versies op een bladzijde; hun Provenance komt erbij]], [[How many versions on a page; their Provenance comes with them]])
* insert Parameter(_cursor, in, 0, 1, string, [[De volgende bladzijde, zoals de link next die noemt]], [[The next page, as the link next names it]])
* insert Parameter(return, out, 1, 1, Bundle, [[Van type history]], [[Of type history]])

Instance: CarePlan-seen
InstanceOf: OperationDefinition
Usage: #definition
Title: "Gezien"
Description: "Zegt tot welke versie deze persoon heeft gezien; alleen dit verzet dat punt, nooit terug. Berichten aan deze persoon tot daar krijgen een leesbevestiging."
* insert Operation([[CarePlan-seen]], [[Seen]], [[seen]], [[Gezien]], [[Seen]], [[Zegt tot welke versie deze persoon heeft gezien; alleen dit verzet dat punt, nooit terug. Berichten aan deze persoon tot daar krijgen een leesbevestiging.]], [[Says up to which version this person has seen; this alone moves that mark, never back. Messages to this person until there get a read receipt.]], CarePlan, true, false, true)
* status = #active
* insert Parameter(version, in, 1, 1, string, [[De laatste versie die getoond is, zoals Task/1/_history/2, of het nummer van de versie van het plan]], [[The last version shown, such as Task/1/_history/2, or the number of the plan’s own version]])
* insert Parameter(return, out, 1, 1, OperationOutcome, [[Dat het is vastgelegd]], [[That it was recorded]])

Instance: CarePlan-merge
InstanceOf: OperationDefinition
Usage: #definition
Title: "Plannen samenvoegen"
Description: "Voegt twee plannen van dezelfde patiënt samen: eerst een voorbeeld met conflicten, dan de samenvoeging, die ongedaan gemaakt kan worden."
* insert Operation([[CarePlan-merge]], [[Merge]], [[merge]], [[Plannen samenvoegen]], [[Merge plans]], [[Voegt twee plannen van dezelfde patiënt samen: eerst een voorbeeld met conflicten, dan de samenvoeging, die ongedaan gemaakt kan worden.]], [[Merges two plans of the same patient: first a preview with its conflicts, then the merge, which can be undone.]], CarePlan, true, true, false)
* status = #active
* insert Parameter(source, in, 1, 1, Reference, [[Het plan dat opgaat in het andere]], [[The plan that goes into the other]])
* parameter[=].targetProfile = "http://hl7.org/fhir/StructureDefinition/CarePlan"
* insert Parameter(target, in, 1, 1, Reference, [[Het plan dat blijft]], [[The plan that stays]])
* parameter[=].targetProfile = "http://hl7.org/fhir/StructureDefinition/CarePlan"
* insert Parameter(preview, in, 0, 1, boolean, [[Alleen tonen wat er zou gebeuren]], [[Only show what would happen]])
* insert Parameter(undo, in, 0, 1, boolean, [[Een eerdere samenvoeging ongedaan maken]], [[Undo an earlier merge]])
* insert Parameter(return, out, 1, 1, CarePlan, [[Het plan zoals het is of zou worden]], [[The plan as it is or would become]])
* insert Parameter(conflict, out, 0, *, string, [[Wat een mens moet beslissen]], [[What a person has to decide]])

Instance: CarePlan-document
InstanceOf: OperationDefinition
Usage: #definition
Title: "Plan als document"
Description: "Het hele plan als document-Bundle, of met Accept text/html of application/pdf leesbaar in gewone taal, Nederlands of Engels."
* insert Operation([[CarePlan-document]], [[Document]], [[document]], [[Plan als document]], [[Plan as a document]], [[Het hele plan als document-Bundle, of met Accept text/html of application/pdf leesbaar in gewone taal, Nederlands of Engels.]], [[The whole plan as a document Bundle, or readable in plain Dutch or English with Accept text/html or application/pdf.]], CarePlan, false, false, true)
* status = #active
* insert Parameter(return, out, 1, 1, Bundle, [[Een document met een PlanDocument]], [[A document with a PlanDocument]])

Instance: CarePlan-agenda
InstanceOf: OperationDefinition
Usage: #definition
Title: "Agenda van het overleg"
Description: "Wat open staat in het plan als agenda voor het volgende overleg: vragen, doelen zonder voortgang, taken die over hun datum zijn, onderwerpen van de patiënt."
* insert Operation([[CarePlan-agenda]], [[Agenda]], [[agenda]], [[Agenda van het overleg]], [[Agenda of the meeting]], [[Wat open staat in het plan als agenda voor het volgende overleg: vragen, doelen zonder voortgang, taken die over hun datum zijn, onderwerpen van de patiënt.]], [[What is open in the plan as an agenda for the next meeting: questions, goals without progress, tasks past their date, subjects of the patient.]], CarePlan, false, false, true)
* status = #active
* insert Parameter(return, out, 1, 1, List, [[Een ConversationAgenda]], [[A ConversationAgenda]])

Instance: Questionnaire-populate
InstanceOf: OperationDefinition
Usage: #definition
Title: "Vragenlijst vooraf invullen"
Description: "Een concept-antwoord op een vragenlijst, met wat al bekend is ingevuld, zoals SDC het beschrijft. Er wordt niets opgeslagen; het concept noemt de versie van de vragenlijst."
* insert Operation([[Questionnaire-populate]], [[Populate]], [[populate]], [[Vragenlijst vooraf invullen]], [[Populate a questionnaire]], [[Een concept-antwoord op een vragenlijst, met wat al bekend is ingevuld, zoals SDC het beschrijft. Er wordt niets opgeslagen; het concept noemt de versie van de vragenlijst.]], [[A draft of a response with what is known filled in, as SDC describes it. Nothing is stored; the draft names the version of the questionnaire.]], Questionnaire, false, true, true)
* status = #active
* base = "http://hl7.org/fhir/uv/sdc/OperationDefinition/Questionnaire-populate"
* insert Parameter(identifier, in, 0, 1, Identifier, [[De vragenlijst, naar zijn identifier]], [[The questionnaire, by its identifier]])
* insert Parameter(canonical, in, 0, 1, uri, [[De vragenlijst, naar zijn canonical]], [[The questionnaire, by its canonical]])
* insert Parameter(questionnaire, in, 0, 1, Any, [[De vragenlijst zelf, of haar canonical of verwijzing]], [[The questionnaire itself, or its canonical or reference]])
* insert Parameter(questionnaireRef, in, 0, 1, Reference, [[De vragenlijst, als verwijzing]], [[The questionnaire, as a reference]])
* parameter[=].targetProfile = "http://hl7.org/fhir/StructureDefinition/Questionnaire"
* insert Parameter(subject, in, 1, 1, Reference, [[Over wie het gaat]], [[Whom it is about]])
* insert Group(context, in, 0, *, [[Wat uitdrukkingen zien, onder een naam]], [[What expressions see, under a name]])
* insert Part(0, name, in, 1, 1, string, [[De naam, zoals patient of encounter]], [[The name, such as patient or encounter]])
* insert Part(1, content, in, 1, *, Any, [[Een resource of een verwijzing]], [[A resource or a reference]])
* insert Parameter(content, in, 0, *, Any, [[Een resource of verwijzing, onder de naam van haar type]], [[A resource or reference, under the name of its type]])
* insert Parameter(local, in, 0, 1, boolean, [[Of ook gebruikt mag worden wat hier bekend is; ja als het ontbreekt]], [[Whether what is known here may be used too; yes where it is absent]])
* insert Parameter(response, out, 1, 1, QuestionnaireResponse, [[Het concept]], [[The draft]])
* insert Parameter(issues, out, 0, 1, OperationOutcome, [[Wat niet ingevuld kon worden]], [[What could not be filled in]])

Instance: QuestionnaireResponse-extract
InstanceOf: OperationDefinition
Usage: #definition
Title: "Gegevens uit antwoorden"
Description: "Wat een afgeronde vragenlijst zegt, als transactie van resources, zoals SDC het beschrijft: uit observaties, definities en sjablonen. Er wordt niets opgeslagen; de aanvrager dient de transactie zelf in."
* insert Operation([[QuestionnaireResponse-extract]], [[Extract]], [[extract]], [[Gegevens uit antwoorden]], [[Extract data from a response]], [[Wat een afgeronde vragenlijst zegt, als transactie van resources, zoals SDC het beschrijft: uit observaties, definities en sjablonen. Er wordt niets opgeslagen; de aanvrager dient de transactie zelf in.]], [[What a completed response says, as a transaction of resources, as SDC describes it: by observations, definitions and templates. Nothing is stored; the caller posts the transaction.]], QuestionnaireResponse, false, true, true)
* status = #active
* base = "http://hl7.org/fhir/uv/sdc/OperationDefinition/QuestionnaireResponse-extract"
* insert Parameter(questionnaire-response, in, 0, 1, QuestionnaireResponse, [[De antwoorden, waar het adres ze niet noemt]], [[The response, where the address does not name it]])
* insert Parameter(questionnaire, in, 0, 1, Questionnaire, [[De vragenlijst, waar zij hier niet bekend is]], [[The questionnaire, where it is not known here]])
* insert Parameter(return, out, 1, 1, Bundle, [[De transactie]], [[The transaction]])
* insert Parameter(issues, out, 0, 1, OperationOutcome, [[Wat er niet uit te halen was]], [[What could not be extracted]])
Instance: PlanDefinition-apply
InstanceOf: OperationDefinition
Usage: #definition
Title: "Een programma toepassen"
Description: "De operatie van R4, met een plan waarin de activiteiten komen. Wat het plan al heeft, wordt samengevoegd: één bezoek in plaats van drie. Wat elkaar tegenspreekt, staat erbij om te beslissen. Nog eens toepassen verandert niets. Zonder plan is het antwoord een voorstel dat niet bewaard wordt."
* insert Operation([[PlanDefinition-apply]], [[Apply]], [[apply]], [[Een programma toepassen]], [[Apply a programme]], [[De operatie van R4, met een plan waarin de activiteiten komen. Wat het plan al heeft, wordt samengevoegd: één bezoek in plaats van drie. Wat elkaar tegenspreekt, staat erbij om te beslissen. Nog eens toepassen verandert niets. Zonder plan is het antwoord een voorstel dat niet bewaard wordt.]], [[R4’s operation, with a plan that takes the activities. What the plan has already is joined: one visit instead of three. What contradicts stands there to be decided. Applying again changes nothing. Without a plan the answer is a proposal that is not kept.]], PlanDefinition, true, true, true)
* status = #active
* base = "http://hl7.org/fhir/OperationDefinition/PlanDefinition-apply"
* insert Parameter(planDefinition, in, 0, 1, PlanDefinition, [[Het programma, waar het adres het niet noemt]], [[The programme, where the address does not name it]])
* insert Parameter(canonical, in, 0, 1, canonical, [[Het programma naar zijn canonical, waar het adres het niet noemt]], [[The programme by its canonical, where the address does not name it]])
* insert Parameter(subject, in, 0, 1, string, [[De patiënt; bij een plan hoeft dat niet]], [[The patient; not needed with a plan]])
* insert Parameter(plan, in, 0, 1, string, [[Het plan waarin de activiteiten komen, zoals CarePlan/1]], [[The plan that takes the activities, such as CarePlan/1]])
* insert Parameter(start, in, 0, 1, date, [[Vanaf wanneer; anders vandaag]], [[From when; else today]])
* insert Parameter(encounter, in, 0, 1, string, [[Het contact waarin het gebeurt]], [[The encounter in which it happens]])
* insert Parameter(practitioner, in, 0, 1, string, [[Wie de bezoeken doet]], [[Who does the visits]])
* insert Parameter(organization, in, 0, 1, string, [[Waar de bezoeken zijn]], [[Where the visits are]])
* insert Parameter(return, out, 1, 1, CarePlan, [[Het plan zoals het nu is, of het voorstel]], [[The plan as it now is, or the proposal]])

Instance: Subscription-status
InstanceOf: OperationDefinition
Usage: #definition
Title: "Stand van abonnementen"
Description: "Hoe het staat met dit abonnement, met de genoemde, of met alle die men mag zien."
* insert Operation([[Subscription-status]], [[SubscriptionStatus]], [[status]], [[Stand van abonnementen]], [[Status of subscriptions]], [[Hoe het staat met dit abonnement, met de genoemde, of met alle die men mag zien.]], [[How this subscription stands, those named, or all that the caller sees.]], Subscription, false, true, true)
* insert Served
* base = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status"
* insert Parameter(id, in, 0, *, id, [[Bij het type: welke]], [[On the type: which]])
* insert Parameter(status, in, 0, *, code, [[Bij het type: met welke status]], [[On the type: with which status]])
* insert Parameter(return, out, 1, 1, Bundle, [[Een searchset met van elk de stand]], [[A searchset with the status of each]])

Instance: Subscription-events
InstanceOf: OperationDefinition
Usage: #definition
Title: "Gebeurtenissen van een abonnement"
Description: "De gebeurtenissen van een abonnement opnieuw, op nummer: voor wie er een gemist heeft, en voor wie ze zelf ophaalt."
* insert Operation([[Subscription-events]], [[SubscriptionEvents]], [[events]], [[Gebeurtenissen van een abonnement]], [[Events of a subscription]], [[De gebeurtenissen van een abonnement opnieuw, op nummer: voor wie er een gemist heeft, en voor wie ze zelf ophaalt.]], [[The events of a subscription again, by number: for who missed one, and for who polls.]], Subscription, false, false, true)
* insert Served
* base = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-events"
* insert Parameter(eventsSinceNumber, in, 0, 1, string, [[Vanaf dit nummer]], [[From this number on]])
* insert Parameter(eventsUntilNumber, in, 0, 1, string, [[Tot en met dit nummer]], [[Up to and with this number]])
* insert Parameter(content, in, 0, 1, code, [[Hoeveel erin staat: empty, id-only of full-resource]], [[How much it holds: empty, id-only or full-resource]])
* insert Parameter(return, out, 1, 1, Bundle, [[Een history-Bundle die begint met de stand]], [[A history Bundle that begins with the status]])

Instance: Subscription-get-ws-binding-token
InstanceOf: OperationDefinition
Usage: #definition
Title: "Sleutel voor een websocket"
Description: "Een sleutel waarmee een ontvanger zich op een websocket bekendmaakt, voor dit abonnement, de genoemde, of alle eigen met dat kanaal."
* insert Operation([[Subscription-get-ws-binding-token]], [[SubscriptionGetWsBindingToken]], [[get-ws-binding-token]], [[Sleutel voor een websocket]], [[Token for a websocket]], [[Een sleutel waarmee een ontvanger zich op een websocket bekendmaakt, voor dit abonnement, de genoemde, of alle eigen met dat kanaal.]], [[A token by which a receiver makes itself known on a websocket, for this subscription, those named, or all own ones with that channel.]], Subscription, false, true, true)
* insert Served
* base = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-get-ws-binding-token"
* insert Parameter(id, in, 0, *, id, [[Bij het type: welke]], [[On the type: which]])
* insert Parameter(token, out, 1, 1, string, [[De sleutel]], [[The token]])
* insert Parameter(expiration, out, 1, 1, dateTime, [[Tot wanneer die geldt]], [[Until when it is taken]])
* insert Parameter(subscription, out, 0, *, string, [[Waarvoor die geldt]], [[What it is for]])
* insert Parameter(websocket-url, out, 1, 1, url, [[Waar de ontvanger verbindt]], [[Where the receiver connects]])

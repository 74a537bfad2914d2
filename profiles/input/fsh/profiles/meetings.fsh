Invariant: meeting-1
Description: "De patiënt is uitgenodigd. The patient is invited."
Expression: "participant.actor.where(reference.matches('(^|/)Patient/') or type = 'Patient').exists()"
Severity: #error

Profile: CareMeeting
Parent: Appointment
Id: CareMeeting
Title: "Multidisciplinair overleg"
Description: "Overleg over een plan, met de patiënt en de naaste erbij. De agenda en het plan staan in supportingInformation; besluiten zijn taken met dit overleg als reden; het verslag is een Composition."
* insert English([[Multidisciplinary meeting]], [[A meeting about a plan, with the patient and the relative present. Agenda and plan are in supportingInformation; decisions are tasks with this meeting as their reason; the minutes are a Composition.]])
* obeys meeting-1
* status MS
* serviceType 1..* MS
* serviceType ^slicing.discriminator.type = #value
* serviceType ^slicing.discriminator.path = "$this"
* serviceType ^slicing.rules = #open
* serviceType contains meeting 1..1 MS
* serviceType[meeting] = DocumentType#mdo
* description MS
* supportingInformation 1..* MS
* insert Say(supportingInformation, [[Het plan en de agenda]], [[The plan and the agenda]])
* start MS
* end MS
* participant 2..* MS
* participant.actor 1..1 MS
* participant.status MS

Profile: ConversationAgenda
Parent: List
Id: ConversationAgenda
Title: "Agenda van een gesprek of overleg"
Description: "Onderwerpen op volgorde, van de patiënt, de naaste en de zorgverleners samen. Een onderwerp verwijst naar een doel, taak of uitslag, of staat er in gewone woorden."
* insert English([[Agenda of a conversation or meeting]], [[Subjects in order, of patient, relative and professionals together. A subject points to a goal, task or result, or stands there in plain words.]])
* status MS
* mode = #working
* title 1..1 MS
* code 1..1 MS
* code = DocumentType#agenda
* subject 1..1 MS
* subject only Reference(Patient)
* date MS
* source MS
* entry MS
* entry.extension contains DimensionExtension named dimension 0..1 MS and AddedBy named addedBy 0..1 MS
* entry.item MS
* insert Say(entry.item, [[Waarover, als verwijzing of alleen als display]], [[What about, as a reference or as a display alone]])

RuleSet: Section(name, code, nl, en, min)
* section contains {name} {min}..1 MS
* section[{name}].code = DocumentSection#{code}
* insert Say(section[{name}], [[{nl}]], [[{en}]])

RuleSet: SectionsByCode
* section 1..* MS
* section ^slicing.discriminator.type = #value
* section ^slicing.discriminator.path = "code"
* section ^slicing.rules = #open
* section.title 1..1 MS
* section.code 1..1 MS
* section.author MS
* section.text 1..1 MS
* section.entry MS
* section.emptyReason MS
* section.extension contains SectionDate named date 0..1 MS

Profile: MeetingMinutes
Parent: Composition
Id: MeetingMinutes
Title: "Verslag van een overleg"
Description: "Wie er waren, wat besproken is en wat besloten. Elk besluit is een taak met eigenaar en datum."
* insert English([[Minutes of a meeting]], [[Who was there, what was discussed and what was decided. Every decision is a task with an owner and a date.]])
* status MS
* type = DocumentType#mdo-verslag
* subject 1..1 MS
* subject only Reference(Patient)
* author MS
* event MS
* event.detail MS
* insert Say(event.detail, [[Het overleg]], [[The meeting]])
* insert SectionsByCode
* insert Section(present, aanwezig, [[Wie er waren]], [[Who was there]], 1)
* insert Section(discussed, besproken, [[Wat besproken is]], [[What was discussed]], 1)
* insert Section(decisions, besluiten, [[Besluiten, elk een taak]], [[Decisions, each a task]], 1)
* section[decisions].entry only Reference(Task)

Profile: CrisisSummary
Parent: Composition
Id: CrisisSummary
Title: "Crisissamenvatting"
Description: "Wat een dienstdoende arts binnen seconden moet weten, in vaste onderdelen, elk met datum en auteur. Wat niet is vastgelegd, zegt dat. Behandelgrenzen staan er woordelijk zoals zij zijn vastgelegd; er wordt geen ja of nee uit afgeleid."
* insert English([[Crisis summary]], [[What the doctor on duty must know within seconds, in fixed sections, each with date and author. What is not recorded says so. Treatment limits stand word for word as they were recorded; no yes or no is derived from them.]])
* status MS
* type = DocumentType#crisissamenvatting
* subject 1..1 MS
* subject only Reference(Patient)
* date MS
* author MS
* title MS
* insert SectionsByCode
* insert Section(limits, behandelgrenzen, [[Behandelgrenzen, woordelijk]], [[Treatment limits, word for word]], 1)
* insert Section(directives, wilsverklaringen, [[Wilsverklaringen]], [[Advance directives]], 1)
* insert Section(contact, contact, [[Vertegenwoordiger en eerste contact, met telefoon]], [[Representative and first contact, with phone]], 1)
* insert Section(problems, problemen, [[Problemen]], [[Problems]], 1)
* insert Section(allergies, allergieen, [[Allergieën]], [[Allergies]], 1)
* insert Section(medication, medicatie, [[Medicatie, met bron en datum]], [[Medication, with source and date]], 1)
* insert Section(policy, crisisbeleid, [[Afgesproken beleid bij een crisis]], [[Agreed policy for foreseeable crises]], 1)
* insert Section(visits, wie-komt, [[Wie komt wanneer]], [[Who comes when]], 1)
* insert Section(entrance, toegang, [[Hoe kom ik binnen]], [[How to get in]], 1)
* insert Section(coordinator, coordinator, [[Coördinator]], [[Coordinator]], 1)

Profile: PlanDocument
Parent: Composition
Id: PlanDocument
Title: "Zorgplan als document"
Description: "Het hele plan als document in gewone taal, Nederlands of Engels: wat telt, doelen, wie wat doet, wie meedoet, de laatste metingen."
* insert English([[Care plan as a document]], [[The whole plan as a document in plain Dutch or English: what matters, goals, who does what, who takes part, the last measurements.]])
* status MS
* type = DocumentType#zorgplan
* subject 1..1 MS
* subject only Reference(Patient)
* author MS
* title MS
* insert SectionsByCode
* insert Section(wishes, wensen, [[Wat voor mij telt]], [[What matters to me]], 0)
* insert Section(goals, doelen, [[Doelen]], [[Goals]], 1)
* insert Section(activities, afspraken, [[Wie doet wat]], [[Who does what]], 1)
* insert Section(team, team, [[Wie meedoen]], [[Who takes part]], 1)
* insert Section(results, metingen, [[Metingen en scores]], [[Measurements and scores]], 0)

Profile: NursingHandover
Parent: Composition
Id: NursingHandover
Title: "Verpleegkundige overdracht"
Description: "Gegeven zorg, afspraken, risico's en waar op te letten. De ontvanger neemt de taak aan voordat de deelname van de zender eindigt."
* insert English([[Nursing hand-over]], [[Care given, agreements, risks and what to watch. The receiver accepts the task before the sender's participation ends.]])
* status MS
* type = DocumentType#overdracht
* subject 1..1 MS
* subject only Reference(Patient)
* author MS
* insert SectionsByCode
* insert Section(given, zorg-gegeven, [[Gegeven zorg]], [[Care given]], 1)
* insert Section(agreements, afspraken, [[Afspraken]], [[Agreements]], 1)
* insert Section(risks, risicos, [[Risico's en waar op te letten]], [[Risks and what to watch]], 1)

Profile: PlanMessage
Parent: Communication
Id: PlanMessage
Title: "Bericht over een plan"
Description: "Een bericht tussen leden van een plan, met een gewenste antwoordtijd, leesbevestiging en antwoord."
* insert English([[Message about a plan]], [[A message between members of a plan, with a wished answer time, read receipts and replies.]])
* extension contains AnswerBy named answerBy 0..1 MS and ReadReceipt named read 0..* MS
* basedOn 1..* MS
* inResponseTo MS
* status MS
* subject MS
* sent MS
* sender 1..1 MS
* recipient 1..* MS
* payload 1..* MS

Invariant: pg-1
Description: "Elke dimensie komt precies één keer voor. Every dimension occurs exactly once."
Expression: "item.code.where(system.endsWith('/CodeSystem/positive-health-dimension')).code.count() = 6 and item.code.where(system.endsWith('/CodeSystem/positive-health-dimension')).code.isDistinct()"
Severity: #error

Invariant: pg-2
Description: "Cijfers gaan van 0 tot 10. Marks go from 0 to 10."
Expression: "repeat(item).where(type = 'integer').all(extension('http://hl7.org/fhir/StructureDefinition/minValue').value = 0 and extension('http://hl7.org/fhir/StructureDefinition/maxValue').value = 10)"
Severity: #error

Profile: PositiveHealthQuestionnaire
Parent: Questionnaire
Id: PositiveHealthQuestionnaire
Title: "Vragenlijst over zes dimensies"
Description: "Een gesprekshulp: per dimensie een groep vragen met een cijfer van 0 tot 10, of in de korte vorm één cijfer. Geen meetinstrument en niet gevalideerd. Een organisatie met een licentie op een ander instrument laadt dat onder zijn eigen canonical; het hoeft alleen de dimensies als code te dragen."
* insert English([[Questionnaire on six dimensions]], [[An aid to conversation: for each dimension a group of questions with a mark from 0 to 10, or one mark in the short form. Not a measure of outcome and not validated. An organisation licensed for another instrument loads it under its own canonical; it need only carry the dimensions as codes.]])
* obeys pg-1 and pg-2
* url 1..1 MS
* version 1..1 MS
* title 1..1 MS
* subjectType 1..1
* subjectType = #Patient
* description 1..1 MS
* item 6..* MS
* item.linkId MS
* item.code MS
* insert Say(item.code, [[De dimensie van een groep of cijfer]], [[The dimension of a group or mark]])
* item.text 1..1 MS

Invariant: pg-3
Description: "Een cijfer ligt tussen 0 en 10. A mark lies between 0 and 10."
Expression: "repeat(item).answer.value.ofType(integer).all($this >= 0 and $this <= 10)"
Severity: #error

Profile: PositiveHealthResponse
Parent: QuestionnaireResponse
Id: PositiveHealthResponse
Title: "Antwoorden over zes dimensies"
Description: "Wat de patiënt zelf, een zorgverlener of een naaste invulde. Uit een afgeronde lijst volgt per dimensie een score. Een verbetering is een nieuwe versie met status amended."
* insert English([[Answers on six dimensions]], [[What the patient, a professional or a relative filled in. A completed response gives a score for each dimension. A correction is a new version with status amended.]])
* obeys pg-3
* questionnaire 1..1 MS
* insert Say(questionnaire, [[De vragenlijst, met versie]], [[The questionnaire, with its version]])
* status MS
* subject 1..1 MS
* subject only Reference(Patient)
* basedOn MS
* authored 1..1 MS
* author MS
* source 1..1 MS
* insert Say(source, [[Wie de antwoorden gaf: bepaalt van wie de reeks is]], [[Who gave the answers: decides whose series it is]])
* item 1..* MS
* item.linkId MS
* item.answer MS

Profile: CarerStrainResponse
Parent: QuestionnaireResponse
Id: CarerStrainResponse
Title: "Belasting van de mantelzorger"
Description: "Antwoorden van en over de mantelzorger. Zij zijn van de mantelzorger: de patiënt en het team zien ze alleen als de mantelzorger dat toestaat."
* insert English([[Carer strain]], [[Answers by and about the informal carer. They belong to the carer: patient and team see them only if the carer permits.]])
* questionnaire 1..1 MS
* subject 1..1 MS
* subject only Reference(RelatedPerson)
* authored 1..1 MS
* source 1..1 MS
* source only Reference(RelatedPerson)
* item 1..* MS

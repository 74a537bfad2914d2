Invariant: score-1
Description: "Een score ligt tussen 0 en 10 en heeft hoogstens één decimaal. A score lies between 0 and 10 and has one decimal at most."
Expression: "value.ofType(Quantity).value.all($this >= 0 and $this <= 10 and $this.toString().matches('^[0-9]+([.][0-9])?$'))"
Severity: #error

Profile: DimensionScore
Parent: Observation
Id: DimensionScore
Title: "Score van een dimensie"
Description: "Het gemiddelde van de beantwoorde vragen van een dimensie, afgerond op één decimaal, een half naar boven; in de korte vorm het cijfer zelf. Ontbreekt als minder dan vier van de zeven vragen zijn beantwoord. Geen totaal en geen alarm."
* insert English([[Score of a dimension]], [[The mean of the answered questions of a dimension, rounded half up to one decimal; in the short form the mark itself. Absent where fewer than four of the seven are answered. No total, no alarm.]])
* obeys score-1
* status MS
* category 1..* MS
* category ^slicing.discriminator.type = #value
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains survey 1..1 MS
* category[survey] = $observation-category#survey
* code MS
* code from PositiveHealthDimensions (required)
* insert Say(code, [[De dimensie]], [[The dimension]])
* subject 1..1 MS
* subject only Reference(Patient)
* effective[x] 1..1 MS
* effective[x] only dateTime
* performer 1..* MS
* insert Say(performer, [[Wie de antwoorden gaf]], [[Who gave the answers]])
* value[x] 1..1 MS
* value[x] only Quantity
* valueQuantity = $ucum#{score}
* valueQuantity.value 1..1 MS
* method MS
* method from ScoreSources (extensible)
* insert Say(method, [[Van wie de reeks is]], [[Whose series it is]])
* derivedFrom 1..* MS
* derivedFrom only Reference(QuestionnaireResponse)

Profile: HomeMeasurement
Parent: Observation
Id: HomeMeasurement
Title: "Thuismeting"
Description: "Wat de patiënt of een naaste thuis mat. Bloeddruk, gewicht, saturatie en hartslag volgen de vitale functies van R4 en van nl-core. Een waarde wordt alleen bewaakt onder een aangenomen meettaak met eigenaar, uren en grenzen; anders zegt het antwoord dat niemand kijkt."
* insert English([[Home measurement]], [[What the patient or a relative measured at home. Blood pressure, weight, saturation and heart rate follow the vital signs of R4 and of nl-core. A value is watched only under an accepted task with an owner, hours and bands; otherwise the answer says that nobody watches.]])
* extension contains Watching named watching 0..1 MS
* basedOn MS
* status MS
* category 1..* MS
* code MS
* code from HomeMeasurements (extensible)
* subject 1..1 MS
* subject only Reference(Patient)
* effective[x] 1..1 MS
* effective[x] only dateTime
* performer 1..* MS
* performer only Reference(Patient or RelatedPerson or PractitionerRole or Practitioner or Organization)
* insert Say(performer, [[Wie mat: de patiënt zelf of een naaste]], [[Who measured: the patient or a relative]])
* value[x] MS
* note MS
* device MS
* component MS

Profile: SegmentAssignment
Parent: Observation
Id: SegmentAssignment
Title: "Segment, eenvoudig of complex"
Description: "Wie besloot dat de zorg eenvoudig of complex is, wanneer en waarom. Een nieuw besluit is een nieuwe Observation, zodat de geschiedenis blijft. Altijd door een mens: een apparaat kan de uitvoerder niet zijn."
* insert English([[Segment, simple or complex]], [[Who decided that care is simple or complex, when and why. A new decision is a new Observation, so that the history stays. Always by a person: a device cannot be the performer.]])
* status MS
* code = HubObservation#segment
* subject 1..1 MS
* subject only Reference(Patient)
* focus MS
* insert Say(focus, [[Het plan]], [[The plan]])
* effective[x] 1..1 MS
* effective[x] only dateTime
* performer 1..* MS
* performer only Reference(Practitioner or PractitionerRole)
* value[x] 1..1 MS
* value[x] only CodeableConcept
* valueCodeableConcept from PlanSegments (required)
* note MS
* component 1..* MS
* component ^slicing.discriminator.type = #value
* component ^slicing.discriminator.path = "code"
* component ^slicing.rules = #open
* component contains reason 1..* MS
* component[reason].code = HubObservation#segment-reden
* component[reason].value[x] 1..1 MS
* component[reason].value[x] only CodeableConcept
* component[reason].valueCodeableConcept from SegmentReasons (extensible)
* insert Say(component[reason], [[Waarom]], [[Why]])

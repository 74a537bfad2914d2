RuleSet: Answered(number, code, display, mark)
* item[{number}].linkId = "{code}"
* item[{number}].text = "Welk cijfer geeft u aan: {display}?"
* item[{number}].answer.valueInteger = {mark}

Instance: voorbeeld-antwoorden
InstanceOf: PositiveHealthResponse
Usage: #example
Title: "Antwoorden in zes cijfers"
Description: "De korte vragenlijst, door de patiënt zelf. The short questionnaire, by the patient."
* questionnaire = Canonical(positieve-gezondheid-kort|0.1.0)
* status = #completed
* subject = Reference(voorbeeld-patient)
* basedOn = Reference(voorbeeld-plan)
* authored = "2026-02-09T19:10:00+01:00"
* author = Reference(voorbeeld-patient)
* source = Reference(voorbeeld-patient)
* insert Answered(0, lichaamsfuncties, lichaamsfuncties, 4)
* insert Answered(1, mentaal-welbevinden, mentaal welbevinden, 6)
* insert Answered(2, zingeving, zingeving, 7)
* insert Answered(3, kwaliteit-van-leven, kwaliteit van leven, 6)
* insert Answered(4, meedoen, meedoen, 3)
* insert Answered(5, dagelijks-functioneren, dagelijks functioneren, 5)

Instance: voorbeeld-belasting
InstanceOf: CarerStrainResponse
Usage: #example
Title: "Antwoorden van de dochter"
Description: "Zij zijn van de dochter. They belong to the daughter."
* questionnaire = Canonical(belasting-mantelzorger|0.1.0)
* status = #completed
* subject = Reference(voorbeeld-dochter)
* authored = "2026-02-11T21:00:00+01:00"
* author = Reference(voorbeeld-dochter)
* source = Reference(voorbeeld-dochter)
* item[0].linkId = "belasting.1"
* item[0].text = "Slaapt u slechter door de zorg die u geeft?"
* item[0].answer.valueBoolean = true
* item[1].linkId = "belasting.6"
* item[1].text = "Wordt het u soms te veel?"
* item[1].answer.valueBoolean = false

Instance: voorbeeld-score
InstanceOf: DimensionScore
Usage: #example
Title: "Score voor meedoen"
Description: "Uit de antwoorden van de patiënt. From the patient's answers."
* status = #final
* category[survey] = $observation-category#survey "Survey"
* code = PositiveHealthDimension#meedoen "Meedoen"
* subject = Reference(voorbeeld-patient)
* effectiveDateTime = "2026-02-09T19:10:00+01:00"
* performer = Reference(voorbeeld-patient)
* valueQuantity.value = 3
* valueQuantity.unit = "punten"
* method = ScoreSource#self "Zelf"
* derivedFrom = Reference(voorbeeld-antwoorden)

Instance: voorbeeld-bloeddruk
InstanceOf: HomeMeasurement
Usage: #example
Title: "Bloeddruk, thuis gemeten"
Description: "Ook een bloeddruk van R4 en van nl-core. Also a blood pressure of R4 and of nl-core."
* basedOn = Reference(voorbeeld-plan)
* status = #final
* category = $observation-category#vital-signs "Vital Signs"
* code = $loinc#85354-9 "Blood pressure panel with all children optional"
* subject = Reference(voorbeeld-patient)
* effectiveDateTime = "2026-02-12T08:15:00+01:00"
* performer = Reference(voorbeeld-patient)
* component[0].code = $loinc#8480-6 "Systolic blood pressure"
* component[0].valueQuantity = 148 'mm[Hg]' "mm[Hg]"
* component[1].code = $loinc#8462-4 "Diastolic blood pressure"
* component[1].valueQuantity = 84 'mm[Hg]' "mm[Hg]"

Instance: voorbeeld-gewicht
InstanceOf: HomeMeasurement
Usage: #example
Title: "Gewicht, thuis gemeten"
Description: "Door de dochter doorgegeven. Sent by the daughter."
* basedOn = Reference(voorbeeld-plan)
* status = #final
* category = $observation-category#vital-signs "Vital Signs"
* code = $loinc#29463-7 "Body weight"
* subject = Reference(voorbeeld-patient)
* effectiveDateTime = "2026-02-12T08:10:00+01:00"
* performer = Reference(voorbeeld-dochter)
* valueQuantity = 71.5 'kg' "kg"

Instance: voorbeeld-segment
InstanceOf: SegmentAssignment
Usage: #example
Title: "Complexe zorg"
Description: "De huisarts kiest het segment, met redenen. The general practitioner chooses the segment, with reasons."
* status = #final
* code = HubObservation#segment "Segment"
* subject = Reference(voorbeeld-patient)
* focus = Reference(voorbeeld-plan)
* effectiveDateTime = "2026-02-02"
* performer = Reference(voorbeeld-rol-huisarts)
* valueCodeableConcept = PlanSegment#complex "Complex"
* component[reason][0].code = HubObservation#segment-reden "Reden van het segment"
* component[reason][0].valueCodeableConcept = SegmentReason#meer-aandoeningen "Meer aandoeningen"
* component[reason][1].code = HubObservation#segment-reden "Reden van het segment"
* component[reason][1].valueCodeableConcept = SegmentReason#wens-patient "Wens van de patiënt"
* note.text = "Besproken met mevrouw en haar dochter."

Instance: voorbeeld-agenda
InstanceOf: ConversationAgenda
Usage: #example
Title: "Agenda voor het overleg"
Description: "Een doel en een onderwerp in gewone woorden. A goal and a subject in plain words."
* status = #current
* mode = #working
* title = "Agenda van 3 maart"
* code = DocumentType#agenda "Agenda"
* subject = Reference(voorbeeld-patient)
* date = "2026-03-01"
* source = Reference(voorbeeld-rol-poh)
* orderedBy = http://terminology.hl7.org/CodeSystem/list-order#user
* entry[0].extension[dimension].valueCodeableConcept = PositiveHealthDimension#lichaamsfuncties "Lichaamsfuncties"
* entry[0].item = Reference(voorbeeld-doel)
* entry[1].extension[addedBy].valueReference = Reference(voorbeeld-patient)
* entry[1].item.display = "Wie komt er als Marga op vakantie is?"

RuleSet: Band(number, part, display, low, high)
* input[{number}].type.coding[0] = TaskPart#{part} "{display}"
* input[{number}].type.coding[1] = $loinc#29463-7 "Body weight"
* input[{number}].valueRange.low = {low} 'kg' "kg"
* input[{number}].valueRange.high = {high} 'kg' "kg"

Instance: voorbeeld-meettaak
InstanceOf: HomeMonitoringTask
Usage: #example
Title: "De wijkverpleging kijkt naar het gewicht"
Description: "Aangenomen: op werkdagen kijkt iemand, tussen deze grenzen. Accepted: on working days somebody looks, between these bands."
* basedOn = Reference(voorbeeld-plan)
* status = #accepted
* intent = #order
* priority = #routine
* code = TaskCode#thuismeten "Thuis meten"
* focus = Reference(voorbeeld-plan)
* for = Reference(voorbeeld-patient)
* executionPeriod.start = "2026-02-11T09:00:00+01:00"
* authoredOn = "2026-02-10T10:00:00+01:00"
* lastModified = "2026-02-11T09:00:00+01:00"
* requester = Reference(voorbeeld-rol-huisarts)
* owner = Reference(voorbeeld-thuiszorg)
* insert Band(0, grens-gewoon, [[Gewone grens]], 70, 73)
* insert Band(1, grens-spoed, [[Spoedgrens]], 68, 76)
* input[2].type = TaskPart#uren "Uren"
* input[2].valueTiming.repeat.dayOfWeek[0] = #mon
* input[2].valueTiming.repeat.dayOfWeek[1] = #wed
* input[2].valueTiming.repeat.dayOfWeek[2] = #fri
* input[2].valueTiming.repeat.timeOfDay = "09:00:00"
* input[2].valueTiming.repeat.duration = 8
* input[2].valueTiming.repeat.durationUnit = #h
* input[3].type = TaskPart#tekst-spoed "Tekst bij spoed"
* input[3].valueString = "Bel nu de praktijk, of buiten kantoortijd de huisartsenpost."

Instance: voorbeeld-afwijking
InstanceOf: HomeMeasurement
Usage: #example
Title: "Twee kilo erbij"
Description: "Buiten de gewone grens; wat de patiënt daarover hoorde blijft staan. Outside the routine band; what the patient was told stays."
* extension[watching].extension[state].valueCode = #deviation
* extension[watching].extension[text].valueString = "Buiten de gewone grens: er wordt naar gekeken."
* extension[watching].extension[task].valueReference = Reference(voorbeeld-meettaak)
* basedOn = Reference(voorbeeld-plan)
* status = #final
* category = $observation-category#vital-signs "Vital Signs"
* code = $loinc#29463-7 "Body weight"
* subject = Reference(voorbeeld-patient)
* effectiveDateTime = "2026-02-18T08:10:00+01:00"
* performer = Reference(voorbeeld-patient)
* valueQuantity = 73.6 'kg' "kg"

Instance: voorbeeld-beoordeling
InstanceOf: HomeReviewTask
Usage: #example
Title: "Kijk naar dit gewicht"
Description: "De hub vraagt het van wie bewaakt. The hub asks it of who watches."
* partOf = Reference(voorbeeld-meettaak)
* status = #requested
* intent = #order
* priority = #routine
* code = TaskCode#meetwaarde-beoordelen "Meetwaarde beoordelen"
* focus = Reference(voorbeeld-afwijking)
* for = Reference(voorbeeld-patient)
* authoredOn = "2026-02-18T08:10:02+01:00"
* requester = Reference(voorbeeld-thuiszorg)
* owner = Reference(voorbeeld-thuiszorg)
* input[0].type = TaskPart#meting "Meting"
* input[0].valueReference = Reference(voorbeeld-afwijking)

Instance: voorbeeld-verborgen
InstanceOf: Observation
Usage: #example
Title: "Iets dat de patiënt nu niet ziet"
Description: "Met de reden, en wanneer dat opnieuw bekeken wordt. With the reason, and when that is looked at again."
* meta.security[0] = $v3-ActCode#S
* meta.security[0].extension[LabelReview].extension[reason].valueString = "Eerst bespreken in een gesprek."
* meta.security[0].extension[LabelReview].extension[review].valueDate = "2026-05-01"
* status = #final
* code.text = "Indruk bij het huisbezoek"
* subject = Reference(voorbeeld-patient)
* effectiveDateTime = "2026-02-10T09:30:00+01:00"
* performer = Reference(voorbeeld-rol-huisarts)
* valueString = "Mogelijk meer vergeetachtig dan zij zelf merkt."

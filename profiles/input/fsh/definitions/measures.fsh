// Figures for those who organise care. A figure below 10, or from which one could be derived, is not told.

RuleSet: MeasureOf(id, name, title, english, description, inEnglish, scoring, better)
* insert Defined(Measure, {id}, {name})
* title = "{title}"
* insert InEnglish(title, [[{english}]])
* description = "{description}"
* insert InEnglish(description, [[{inEnglish}]])
* subjectCodeableConcept = http://hl7.org/fhir/resource-types#Organization
* scoring = http://terminology.hl7.org/CodeSystem/measure-scoring#{scoring}
* improvementNotation = http://terminology.hl7.org/CodeSystem/measure-improvement-notation#{better}
* group.stratifier[0].code = MeasureStratifier#care-group
* group.stratifier[0].criteria.language = #text/plain
* group.stratifier[0].criteria.expression = "De zorggroep waarbij de praktijk is aangesloten"
* group.stratifier[1].code = MeasureStratifier#practice
* group.stratifier[1].criteria.language = #text/plain
* group.stratifier[1].criteria.expression = "De praktijk waar de patiënt staat ingeschreven"

RuleSet: Population(number, code, dutch, english)
* group.population[{number}].code = http://terminology.hl7.org/CodeSystem/measure-population#{code}
* group.population[{number}].description = "{dutch}"
* insert InEnglish(group.population[{number}].description, [[{english}]])
* group.population[{number}].criteria.language = #text/plain
* group.population[{number}].criteria.expression = "{dutch}"

RuleSet: Registered
* insert Population(0, initial-population, [[Patiënten die bij de praktijk staan ingeschreven en leven]], [[Living patients registered at the practice]])

RuleSet: Complex
* insert Population(1, denominator, [[Van hen: wie het laatst in het segment complex is ingedeeld]], [[Of them: whose segment was last chosen as complex]])

Instance: shared-plan
InstanceOf: Measure
Usage: #definition
Title: "Samen één plan"
Description: "Deel van de complexe patiënten met een gezamenlijk plan waarin twee of meer organisaties meedoen."
* insert MeasureOf([[shared-plan]], [[SharedPlan]], [[Samen één plan]], [[One plan together]], [[Deel van de complexe patiënten met een gezamenlijk plan waarin twee of meer organisaties meedoen.]], [[Share of complex patients with a shared plan in which two or more organisations take part.]], proportion, increase)
* insert Registered
* insert Complex
* insert Population(2, numerator, [[Van hen: met een lopend gezamenlijk plan en actieve deelnemers van twee of meer organisaties]], [[Of them: with a running shared plan and active members of two or more organisations]])

Instance: last-meeting
InstanceOf: Measure
Usage: #definition
Title: "Hoe lang geleden het laatste overleg was"
Description: "Dagen sinds het laatste multidisciplinair overleg over complexe patiënten, gemiddeld."
* insert MeasureOf([[last-meeting]], [[LastMeeting]], [[Hoe lang geleden het laatste overleg was]], [[Age of the last meeting]], [[Dagen sinds het laatste multidisciplinair overleg over complexe patiënten, gemiddeld.]], [[Days since the last multidisciplinary meeting about complex patients, on average.]], continuous-variable, decrease)
* insert Population(0, initial-population, [[Patiënten die het laatst in het segment complex zijn ingedeeld]], [[Patients whose segment was last chosen as complex]])
* insert Population(1, measure-population, [[Van hen: over wie een overleg gehouden is (afspraak gehouden, of verslag)]], [[Of them: about whom a meeting was held (appointment fulfilled, or minutes)]])
* insert Population(2, measure-observation, [[Dagen sinds het laatste overleg]], [[Days since the last meeting]])
* group.population[2].criteria.expression = "Dagen sinds het laatste overleg"

Instance: carer-involved
InstanceOf: Measure
Usage: #definition
Title: "Mantelzorger betrokken"
Description: "Deel van de complexe patiënten bij wie een naaste in het team van het plan zit of mag meelezen."
* insert MeasureOf([[carer-involved]], [[CarerInvolved]], [[Mantelzorger betrokken]], [[Carer involved]], [[Deel van de complexe patiënten bij wie een naaste in het team van het plan zit of mag meelezen.]], [[Share of complex patients with a relative in the team of the plan, or who lets one read.]], proportion, increase)
* insert Registered
* insert Complex
* insert Population(2, numerator, [[Van hen: met een naaste in het team of met een machtiging]], [[Of them: with a relative in the team, or with a grant]])

Instance: own-goals
InstanceOf: Measure
Usage: #definition
Title: "Doelen van de patiënt zelf"
Description: "Deel van de complexe patiënten met ten minste één doel in eigen woorden."
* insert MeasureOf([[own-goals]], [[OwnGoals]], [[Doelen van de patiënt zelf]], [[Goals set by patients]], [[Deel van de complexe patiënten met ten minste één doel in eigen woorden.]], [[Share of complex patients with at least one goal in their own words.]], proportion, increase)
* insert Registered
* insert Complex
* insert Population(2, numerator, [[Van hen: met een doel dat de patiënt verwoordde (expressedBy) en dat niet is afgewezen of vervallen]], [[Of them: with a goal that the patient expressed (expressedBy) and that was not rejected or cancelled]])

Instance: adoption
InstanceOf: Measure
Usage: #definition
Title: "Gebruik van gezamenlijke plannen"
Description: "Deel van de ingeschreven patiënten met een gezamenlijk plan."
* insert MeasureOf([[adoption]], [[Adoption]], [[Gebruik van gezamenlijke plannen]], [[Adoption of shared plans]], [[Deel van de ingeschreven patiënten met een gezamenlijk plan.]], [[Share of registered patients with a shared plan.]], proportion, increase)
* insert Registered
* insert Population(1, denominator, [[Dezelfde patiënten]], [[The same patients]])
* insert Population(2, numerator, [[Van hen: met een lopend gezamenlijk plan]], [[Of them: with a running shared plan]])

Instance: response-before-visit
InstanceOf: Measure
Usage: #definition
Title: "Vragenlijst vóór het bezoek"
Description: "Deel van de patiënten met een bezoek die in de twee weken ervoor een vragenlijst invulden."
* insert MeasureOf([[response-before-visit]], [[ResponseBeforeVisit]], [[Vragenlijst vóór het bezoek]], [[Response before the visit]], [[Deel van de patiënten met een bezoek die in de twee weken ervoor een vragenlijst invulden.]], [[Share of patients with a visit who answered a questionnaire in the two weeks before.]], proportion, increase)
* insert Registered
* insert Population(1, denominator, [[Van hen: met een afspraak die doorging, in de laatste drie maanden; geen overleg]], [[Of them: with an appointment that took place, in the last three months; no meeting]])
* insert Population(2, numerator, [[Van hen: met een ingevulde vragenlijst in de veertien dagen voor de laatste afspraak]], [[Of them: with a completed questionnaire in the fourteen days before the last appointment]])

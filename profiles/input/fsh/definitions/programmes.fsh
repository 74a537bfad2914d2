// Programmes of care in our own words: visits, what is looked at there and how often. Codes tell what is the same.

RuleSet: Programme(id, name, title, english, description, inEnglish, source, url)
* insert Defined(PlanDefinition, {id}, {name})
* title = "{title}"
* insert InEnglish(title, [[{english}]])
* description = "{description}"
* insert InEnglish(description, [[{inEnglish}]])
* type = http://terminology.hl7.org/CodeSystem/plan-definition-type#clinical-protocol
* subjectCodeableConcept = http://hl7.org/fhir/resource-types#Patient
* relatedArtifact.type = #documentation
* relatedArtifact.display = "{source}"
* relatedArtifact.url = "{url}"

RuleSet: Visit(code, dutch, english, months)
* action[+].title = "{dutch}"
* insert InEnglish(action[=].title, [[{english}]])
* action[=].code = PlanActivity#{code} "{dutch}"
* action[=].timingTiming.repeat.frequency = 1
* action[=].timingTiming.repeat.period = {months}
* action[=].timingTiming.repeat.periodUnit = #mo

RuleSet: By(role)
* action[=].participant.type = #practitioner
* action[=].participant.role = CareRole#{role}

RuleSet: Examined(number, code, dutch, months)
* action[=].action[{number}].title = "{dutch}"
* action[=].action[{number}].code = PlanActivity#{code} "{dutch}"
* action[=].action[{number}].timingTiming.repeat.frequency = 1
* action[=].action[{number}].timingTiming.repeat.period = {months}
* action[=].action[{number}].timingTiming.repeat.periodUnit = #mo

RuleSet: PressureBelow(value)
* goal.category = PositiveHealthDimension#lichaamsfuncties "Lichaamsfuncties"
* goal.description.text = "Bovendruk onder {value}"
* goal.target.measure = $loinc#8480-6 "Systolic blood pressure"
* goal.target.detailQuantity = {value} 'mm[Hg]' "mm[Hg]"
* goal.target.detailQuantity.comparator = #<

Instance: diabetes-type-2
InstanceOf: PlanDefinition
Usage: #definition
Title: "Diabetes type 2"
Description: "Controles bij diabetes type 2 in de eerste lijn. In eigen woorden, naar wat openbare richtlijnen zeggen; de zorgverlener en de patiënt wijken ervan af waar dat beter past."
* insert Programme([[diabetes-type-2]], [[DiabetesType2]], [[Diabetes type 2]], [[Diabetes type 2]], [[Controles bij diabetes type 2 in de eerste lijn. In eigen woorden, naar wat openbare richtlijnen zeggen; de zorgverlener en de patiënt wijken ervan af waar dat beter past.]], [[Checks in type 2 diabetes in primary care. In our own words, after what public guidance says; professional and patient deviate where that fits better.]], [[NHG-Standaard Diabetes mellitus type 2]], [[https://richtlijnen.nhg.org/standaarden/diabetes-mellitus-type-2]])
* insert PressureBelow(140)
* insert Visit([[jaarcontrole]], [[Jaarcontrole]], [[Annual check]], 12)
* insert By(poh)
* insert Examined(0, [[wensen]], [[Klachten, wensen en eigen doelen]], 12)
* insert Examined(1, [[roken]], [[Roken]], 12)
* insert Examined(2, [[bewegen]], [[Bewegen]], 12)
* insert Examined(3, [[eten]], [[Eten en drinken]], 12)
* insert Examined(4, [[gewicht]], [[Gewicht]], 12)
* insert Examined(5, [[bloeddruk]], [[Bloeddruk]], 12)
* insert Examined(6, [[bloedsuiker]], [[Bloedsuiker]], 12)
* insert Examined(7, [[nierfunctie]], [[Nierfunctie]], 12)
* insert Examined(8, [[eiwit-urine]], [[Eiwit in de urine]], 12)
* insert Examined(9, [[cholesterol]], [[Cholesterol]], 12)
* insert Examined(10, [[voeten]], [[Voeten]], 12)
* insert Examined(11, [[medicijngebruik]], [[Medicijngebruik]], 12)
* insert Visit([[tussencontrole]], [[Tussencontrole]], [[Interim check]], 3)
* insert By(poh)
* insert Examined(0, [[wensen]], [[Klachten, wensen en eigen doelen]], 3)
* insert Examined(1, [[gewicht]], [[Gewicht]], 3)
* insert Examined(2, [[bloeddruk]], [[Bloeddruk]], 3)
* insert Examined(3, [[bloedsuiker]], [[Bloedsuiker]], 3)
* insert Visit([[oogcontrole]], [[Oogcontrole]], [[Eye check]], 24)
* insert Visit([[griepprik]], [[Griepprik]], [[Flu vaccination]], 12)
* insert By(doktersassistent)

Instance: copd
InstanceOf: PlanDefinition
Usage: #definition
Title: "COPD"
Description: "Controles bij COPD in de eerste lijn. In eigen woorden, naar wat openbare richtlijnen zeggen; hoe vaak hangt af van de ziektelast."
* insert Programme([[copd]], [[Copd]], [[COPD]], [[COPD]], [[Controles bij COPD in de eerste lijn. In eigen woorden, naar wat openbare richtlijnen zeggen; hoe vaak hangt af van de ziektelast.]], [[Checks in COPD in primary care. In our own words, after what public guidance says; how often depends on the burden of disease.]], [[NHG-Standaard COPD]], [[https://richtlijnen.nhg.org/standaarden/copd]])
* insert Visit([[jaarcontrole]], [[Jaarcontrole]], [[Annual check]], 12)
* insert By(poh)
* insert Examined(0, [[wensen]], [[Klachten, wensen en eigen doelen]], 12)
* insert Examined(1, [[ziektelast]], [[Ziektelast]], 12)
* insert Examined(2, [[longaanvallen]], [[Longaanvallen]], 12)
* insert Examined(3, [[longfunctie]], [[Longfunctie]], 36)
* insert Examined(4, [[inhaleren]], [[Inhaleren]], 12)
* insert Examined(5, [[roken]], [[Roken]], 12)
* insert Examined(6, [[bewegen]], [[Bewegen]], 12)
* insert Examined(7, [[gewicht]], [[Gewicht]], 12)
* insert Examined(8, [[medicijngebruik]], [[Medicijngebruik]], 12)
* insert Visit([[tussencontrole]], [[Tussencontrole]], [[Interim check]], 6)
* insert By(poh)
* insert Examined(0, [[ziektelast]], [[Ziektelast]], 6)
* insert Examined(1, [[inhaleren]], [[Inhaleren]], 6)
* insert Examined(2, [[roken]], [[Roken]], 6)
* insert Visit([[griepprik]], [[Griepprik]], [[Flu vaccination]], 12)
* insert By(doktersassistent)

Instance: atriumfibrilleren
InstanceOf: PlanDefinition
Usage: #definition
Title: "Atriumfibrilleren"
Description: "Controles bij atriumfibrilleren in de eerste lijn. In eigen woorden, naar wat openbare richtlijnen zeggen."
* insert Programme([[atriumfibrilleren]], [[AtrialFibrillation]], [[Atriumfibrilleren]], [[Atrial fibrillation]], [[Controles bij atriumfibrilleren in de eerste lijn. In eigen woorden, naar wat openbare richtlijnen zeggen.]], [[Checks in atrial fibrillation in primary care. In our own words, after what public guidance says.]], [[NHG-Standaard Atriumfibrilleren]], [[https://richtlijnen.nhg.org/standaarden/atriumfibrilleren]])
* insert Visit([[jaarcontrole]], [[Jaarcontrole]], [[Annual check]], 12)
* insert By(huisarts)
* insert Examined(0, [[wensen]], [[Klachten, wensen en eigen doelen]], 12)
* insert Examined(1, [[pols]], [[Pols en hartritme]], 12)
* insert Examined(2, [[bloeddruk]], [[Bloeddruk]], 12)
* insert Examined(3, [[gewicht]], [[Gewicht]], 12)
* insert Examined(4, [[nierfunctie]], [[Nierfunctie]], 12)
* insert Examined(5, [[antistolling]], [[Bloedverdunners]], 12)
* insert Examined(6, [[medicijngebruik]], [[Medicijngebruik]], 12)
* insert Visit([[griepprik]], [[Griepprik]], [[Flu vaccination]], 12)
* insert By(doktersassistent)

Instance: hart-en-vaatrisico
InstanceOf: PlanDefinition
Usage: #definition
Title: "Hart- en vaatrisico"
Description: "Controles bij een verhoogde kans op hart- en vaatziekten. In eigen woorden, naar wat openbare richtlijnen zeggen; streefwaarden worden samen gekozen."
* insert Programme([[hart-en-vaatrisico]], [[CardiovascularRisk]], [[Hart- en vaatrisico]], [[Cardiovascular risk]], [[Controles bij een verhoogde kans op hart- en vaatziekten. In eigen woorden, naar wat openbare richtlijnen zeggen; streefwaarden worden samen gekozen.]], [[Checks in raised cardiovascular risk. In our own words, after what public guidance says; target values are chosen together.]], [[NHG-Standaard Cardiovasculair risicomanagement]], [[https://richtlijnen.nhg.org/standaarden/cardiovasculair-risicomanagement]])
* insert PressureBelow(140)
* insert Visit([[jaarcontrole]], [[Jaarcontrole]], [[Annual check]], 12)
* insert By(poh)
* insert Examined(0, [[wensen]], [[Klachten, wensen en eigen doelen]], 12)
* insert Examined(1, [[roken]], [[Roken]], 12)
* insert Examined(2, [[bewegen]], [[Bewegen]], 12)
* insert Examined(3, [[eten]], [[Eten en drinken]], 12)
* insert Examined(4, [[gewicht]], [[Gewicht]], 12)
* insert Examined(5, [[bloeddruk]], [[Bloeddruk]], 12)
* insert Examined(6, [[cholesterol]], [[Cholesterol]], 12)
* insert Examined(7, [[nierfunctie]], [[Nierfunctie]], 12)
* insert Examined(8, [[medicijngebruik]], [[Medicijngebruik]], 12)

Instance: kwetsbare-ouderen
InstanceOf: PlanDefinition
Usage: #definition
Title: "Kwetsbare ouderen"
Description: "Zorg voor kwetsbare ouderen thuis: een gesprek over wat telt, overleg met iedereen, en minder medicijnen waar dat kan. In eigen woorden, naar wat openbare richtlijnen zeggen."
* insert Programme([[kwetsbare-ouderen]], [[FrailElderly]], [[Kwetsbare ouderen]], [[Frail elderly]], [[Zorg voor kwetsbare ouderen thuis: een gesprek over wat telt, overleg met iedereen, en minder medicijnen waar dat kan. In eigen woorden, naar wat openbare richtlijnen zeggen.]], [[Care for frail older people at home: a conversation about what matters, meetings with everybody, and fewer medicines where possible. In our own words, after what public guidance says.]], [[NHG, ouderenzorg]], [[https://www.nhg.org/praktijkvoering/ouderenzorg]])
* insert PressureBelow(150)
* insert Visit([[plangesprek]], [[Gesprek over wat telt]], [[Conversation about what matters]], 12)
* insert By(poh)
* insert Examined(0, [[wensen]], [[Klachten, wensen en eigen doelen]], 12)
* insert Examined(1, [[mantelzorg]], [[Belasting van de mantelzorger]], 12)
* insert Examined(2, [[zorg-later]], [[Wensen over zorg later]], 12)
* insert Visit([[overleg]], [[Multidisciplinair overleg]], [[Multidisciplinary meeting]], 6)
* insert By(huisarts)
* insert Visit([[medicatiebeoordeling]], [[Medicatiebeoordeling]], [[Medication review]], 12)
* insert By(huisarts)
* insert Visit([[jaarcontrole]], [[Jaarcontrole]], [[Annual check]], 12)
* insert By(poh)
* insert Examined(0, [[gewicht]], [[Gewicht]], 12)
* insert Examined(1, [[bloeddruk]], [[Bloeddruk]], 12)
* insert Examined(2, [[vallen]], [[Vallen]], 12)
* insert Examined(3, [[geheugen-stemming]], [[Geheugen en stemming]], 12)
* insert Examined(4, [[zien-horen]], [[Zien en horen]], 12)
* insert Examined(5, [[medicijngebruik]], [[Medicijngebruik]], 12)
* insert Visit([[griepprik]], [[Griepprik]], [[Flu vaccination]], 12)
* insert By(doktersassistent)

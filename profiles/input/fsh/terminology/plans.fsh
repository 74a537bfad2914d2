CodeSystem: PlanSegment
Id: plan-segment
Title: "Segment van een plan"
Description: "Eenvoudig waar het kan, op maat waar het moet. Een mens kiest het segment en zegt waarom; een computer mag het hoogstens voorstellen."
* insert Translated([[Segment of a plan]], [[Simple where it can be, made to measure where needed. A person chooses the segment and says why; a computer may propose at most.]])
* insert Complete
* insert Concept([[eenvoudig]], [[Eenvoudig]], [[Simple]], [[Enkelvoudige of laagcomplexe zorg, volgens richtlijnen en ketenprogramma's.]])
* insert Concept([[complex]], [[Complex]], [[Complex]], [[Een ander gesprek en een plan dat samen gemaakt wordt.]])

ValueSet: PlanSegments
Id: plan-segment
Title: "Segment van een plan"
Description: "Eenvoudig of complex."
* insert English([[Segment of a plan]], [[Simple or complex.]])
* ^experimental = false
* include codes from system PlanSegment

CodeSystem: SegmentReason
Id: segment-reason
Title: "Reden van een segment"
Description: "Waarom iemand voor dit segment koos."
* insert Translated([[Reason of a segment]], [[Why somebody chose this segment.]])
* insert Complete
* insert Concept([[meer-aandoeningen]], [[Meer aandoeningen]], [[Several conditions]], [[Aandoeningen die elkaar beïnvloeden.]])
* insert Concept([[kwetsbaarheid]], [[Kwetsbaarheid]], [[Frailty]], [[Kwetsbaar door ouderdom of ziekte.]])
* insert Concept([[sociale-problemen]], [[Problemen om de zorg heen]], [[Problems around the care]], [[Wonen, geld, eenzaamheid, belasting van de mantelzorger.]])
* insert Concept([[veel-hulpverleners]], [[Veel hulpverleners]], [[Many professionals]], [[Afstemming is nodig.]])
* insert Concept([[wens-patient]], [[Wens van de patiënt]], [[Wish of the patient]], [[De patiënt vraagt erom.]])
* insert Concept([[stabiel]], [[Stabiel]], [[Stable]], [[Kan volgens de richtlijn.]])
* insert Concept([[ingreep-afgerond]], [[Periode afgerond]], [[Period completed]], [[Wat het ingewikkeld maakte, is voorbij.]])

ValueSet: SegmentReasons
Id: segment-reason
Title: "Reden van een segment"
Description: "Alle redenen."
* insert English([[Reason of a segment]], [[All reasons.]])
* ^experimental = false
* include codes from system SegmentReason

CodeSystem: HubObservation
Id: observation
Title: "Waarnemingen van de hub"
Description: "Wat een Observation van de hub vastlegt waar geen andere code voor is."
* insert Translated([[Observations of the hub]], [[What an Observation of the hub records where there is no other code.]])
* insert Complete
* insert Concept([[segment]], [[Segment]], [[Segment]], [[Of de zorg eenvoudig of complex is.]])
* insert Concept([[segment-reden]], [[Reden van het segment]], [[Reason of the segment]], [[Waarom dit segment gekozen is.]])

CodeSystem: ScoreSource
Id: score-source
Title: "Van wie een reeks is"
Description: "Wie de cijfers gaf. Reeksen van verschillende mensen worden nooit gemiddeld."
* insert Translated([[Whose series it is]], [[Who gave the marks. Series of different people are never averaged.]])
* insert Complete
* insert Concept([[self]], [[Zelf]], [[Self]], [[De patiënt.]])
* insert Concept([[professional]], [[Zorgverlener]], [[Professional]], [[Een zorgverlener, over de patiënt.]])
* insert Concept([[carer]], [[Mantelzorger]], [[Carer]], [[Een naaste, over de patiënt.]])

ValueSet: ScoreSources
Id: score-source
Title: "Van wie een reeks is"
Description: "Zelf, zorgverlener of mantelzorger."
* insert English([[Whose series it is]], [[Self, professional or carer.]])
* ^experimental = false
* include codes from system ScoreSource

ValueSet: HomeMeasurements
Id: home-measurement
Title: "Thuismetingen"
Description: "Wat een patiënt thuis meet en doorgeeft."
* insert English([[Home measurements]], [[What a patient measures at home and sends.]])
* ^experimental = false
* ^copyright = "This material contains content from LOINC (http://loinc.org). LOINC is copyright © Regenstrief Institute, Inc. and the Logical Observation Identifiers Names and Codes (LOINC) Committee and is available at no cost under the license at http://loinc.org/license."
* $loinc#85354-9 "Blood pressure panel with all children optional"
* $loinc#29463-7 "Body weight"
* $loinc#2708-6 "Oxygen saturation in Arterial blood"
* $loinc#59408-5 "Oxygen saturation in Arterial blood by Pulse oximetry"
* $loinc#14743-9 "Glucose [Moles/volume] in Capillary blood by Glucometer"
* $loinc#8867-4 "Heart rate"
* $loinc#8310-5 "Body temperature"

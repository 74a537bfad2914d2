Profile: DimensionGoal
Parent: Goal
Id: DimensionGoal
Title: "Doel bij een dimensie"
Description: "Wat iemand wil bereiken, in eigen woorden, bij een van de zes dimensies. Wie het verwoordde staat in expressedBy; wie het aanneemt of niet, in de goal-acceptance-extensie. De woorden van de patiënt verandert een zorgverlener niet ongezien: de oude versie blijft, en de patiënt hoort het."
* insert English([[Goal in a dimension]], [[What somebody wants to reach, in their own words, in one of the six dimensions. Who said it is in expressedBy; who accepts it or not in the goal-acceptance extension. A professional does not change the patient's words unseen: the old version stays, and the patient is told.]])
* extension contains $goal-acceptance named acceptance 0..* MS
* lifecycleStatus MS
* achievementStatus MS
* category 1..* MS
* category ^slicing.discriminator.type = #value
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains dimension 1..* MS
* category[dimension] from PositiveHealthDimensions (required)
* insert Say(category[dimension], [[Dimensie]], [[Dimension]])
* priority MS
* insert Say(priority, [[Hoe belangrijk de patiënt het vindt]], [[How important it is to the patient]])
* description MS
* description.text 1..1 MS
* insert Say(description.text, [[Het doel in gewone woorden, liefst die van de patiënt]], [[The goal in plain words, preferably the patient's]])
* subject 1..1 MS
* subject only Reference(Patient)
* start[x] MS
* target MS
* target.measure MS
* target.detail[x] MS
* target.due[x] MS
* expressedBy MS
* addresses MS
* outcomeReference MS

Profile: DevelopmentGoal
Parent: Goal
Id: DevelopmentGoal
Title: "Doel van de praktijk zelf"
Description: "Wat een praktijk of andere organisatie zelf wil bereiken. Over de organisatie, nooit over een patiënt; alleen voor wie er werkt."
* insert English([[Goal of the practice itself]], [[What a practice or other organisation wants to reach for itself. About the organisation, never about a patient; for who works there alone.]])
* lifecycleStatus MS
* achievementStatus MS
* description MS
* description.text 1..1 MS
* subject 1..1 MS
* subject only Reference(Organization)
* start[x] MS
* target MS
* target.due[x] MS

CodeSystem: DocumentType
Id: document-type
Title: "Soorten documenten"
Description: "Wat een Composition of lijst van de hub is."
* insert Translated([[Kinds of documents]], [[What a Composition or list of the hub is.]])
* insert Complete
* insert Concept([[crisissamenvatting]], [[Crisissamenvatting]], [[Crisis summary]], [[Wat een dienstdoende arts binnen seconden moet weten.]])
* insert Concept([[zorgplan]], [[Zorgplan]], [[Care plan]], [[Het hele plan als document.]])
* insert Concept([[mdo-verslag]], [[Verslag van het overleg]], [[Minutes of the meeting]], [[Wat in het multidisciplinair overleg is besproken en besloten.]])
* insert Concept([[mdo]], [[Multidisciplinair overleg]], [[Multidisciplinary meeting]], [[Overleg van patiënt, naaste en zorgverleners over het plan.]])
* insert Concept([[agenda]], [[Agenda]], [[Agenda]], [[Onderwerpen op volgorde voor een gesprek of overleg.]])
* insert Concept([[overdracht]], [[Verpleegkundige overdracht]], [[Nursing hand-over]], [[Gegeven zorg, afspraken, risico's, waar op te letten.]])

CodeSystem: DocumentSection
Id: document-section
Title: "Onderdelen van documenten"
Description: "De vaste onderdelen van de crisissamenvatting, het plan als document en het verslag van een overleg."
* insert Translated([[Sections of documents]], [[The fixed sections of the crisis summary, of the plan as a document and of the minutes of a meeting.]])
* insert Complete
* insert Concept([[behandelgrenzen]], [[Behandelgrenzen]], [[Treatment limits]], [[Wel of niet reanimeren, beademen, opnemen; woordelijk zoals vastgelegd.]])
* insert Concept([[wilsverklaringen]], [[Wilsverklaringen]], [[Advance directives]], [[Wat de patiënt zelf heeft vastgelegd.]])
* insert Concept([[contact]], [[Vertegenwoordiger en eerste contact]], [[Representative and first contact]], [[Met telefoonnummer.]])
* insert Concept([[problemen]], [[Problemen]], [[Problems]], [[Actieve problemen.]])
* insert Concept([[allergieen]], [[Allergieën]], [[Allergies]], [[Overgevoeligheden en hoe ernstig zij waren.]])
* insert Concept([[medicatie]], [[Medicatie]], [[Medication]], [[Met bron en datum.]])
* insert Concept([[crisisbeleid]], [[Afgesproken beleid]], [[Agreed policy]], [[Wat te doen bij een crisis die te voorzien is.]])
* insert Concept([[wie-komt]], [[Wie komt wanneer]], [[Who comes when]], [[Hulp aan huis in de komende dagen.]])
* insert Concept([[toegang]], [[Hoe kom ik binnen]], [[How to get in]], [[Sleutelkluis, buren, code.]])
* insert Concept([[coordinator]], [[Coördinator]], [[Coordinator]], [[Wie de afspraken bij elkaar houdt.]])
* insert Concept([[wensen]], [[Wat voor mij telt]], [[What matters to me]], [[In de woorden van de patiënt.]])
* insert Concept([[doelen]], [[Doelen]], [[Goals]], [[Doelen en hoe ver zij zijn.]])
* insert Concept([[afspraken]], [[Afspraken]], [[Agreements]], [[Wie wat doet: taken en activiteiten.]])
* insert Concept([[team]], [[Team]], [[Team]], [[Wie meedoen, en sinds wanneer.]])
* insert Concept([[metingen]], [[Metingen en scores]], [[Measurements and scores]], [[De laatste waarden.]])
* insert Concept([[aanwezig]], [[Aanwezig]], [[Present]], [[Wie bij het overleg waren.]])
* insert Concept([[besproken]], [[Besproken]], [[Discussed]], [[Per onderwerp.]])
* insert Concept([[besluiten]], [[Besluiten]], [[Decisions]], [[Elk een taak met eigenaar en datum.]])
* insert Concept([[zorg-gegeven]], [[Gegeven zorg]], [[Care given]], [[Bij een overdracht.]])
* insert Concept([[risicos]], [[Risico's en aandachtspunten]], [[Risks and what to watch]], [[Bij een overdracht.]])

ValueSet: DocumentSections
Id: document-section
Title: "Onderdelen van documenten"
Description: "Alle onderdelen."
* insert English([[Sections of documents]], [[All sections.]])
* ^experimental = false
* include codes from system DocumentSection

CodeSystem: NotificationTopic
Id: topic
Title: "Onderwerpen van berichten"
Description: "Waarover leden van een plan bericht krijgen."
* insert Translated([[Topics of notifications]], [[What members of a plan are notified of.]])
* insert Complete
* insert Concept([[plan-changed]], [[Plan veranderd]], [[Plan changed]], [[Het plan zelf is veranderd.]])
* insert Concept([[team-changed]], [[Team veranderd]], [[Team changed]], [[Iemand doet mee of niet meer.]])
* insert Concept([[task-changed]], [[Taak veranderd]], [[Task changed]], [[Een taak is nieuw of veranderd.]])
* insert Concept([[goal-changed]], [[Doel veranderd]], [[Goal changed]], [[Een doel is nieuw of veranderd.]])
* insert Concept([[message]], [[Bericht voor u]], [[Message for you]], [[Iemand stuurde een bericht.]])

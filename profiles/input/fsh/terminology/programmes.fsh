CodeSystem: PlanActivity
Id: plan-activity
Title: "Activiteiten van programma's"
Description: "Wat programma's vragen. Dezelfde code in twee programma's is dezelfde activiteit: één bezoek in plaats van twee."
* insert Translated([[Activities of programmes]], [[What programmes ask for. The same code in two programmes is the same activity: one visit instead of two.]])
* insert Complete
* insert Concept([[jaarcontrole]], [[Jaarcontrole]], [[Annual check]], [[Een keer per jaar alles op een rij, in één bezoek voor alle programma's.]])
* insert Concept([[tussencontrole]], [[Tussencontrole]], [[Interim check]], [[Korter bezoek tussen twee jaarcontroles.]])
* insert Concept([[oogcontrole]], [[Oogcontrole]], [[Eye check]], [[Controle van het netvlies.]])
* insert Concept([[griepprik]], [[Griepprik]], [[Flu vaccination]], [[Uitnodiging in het najaar.]])
* insert Concept([[plangesprek]], [[Gesprek over wat telt]], [[Conversation about what matters]], [[Wat wil iemand, wat lukt niet meer, wie helpt.]])
* insert Concept([[overleg]], [[Multidisciplinair overleg]], [[Multidisciplinary meeting]], [[Met patiënt en naaste erbij.]])
* insert Concept([[medicatiebeoordeling]], [[Medicatiebeoordeling]], [[Medication review]], [[Alle middelen samen bekeken, met de patiënt en de apotheker.]])
* insert Concept([[wensen]], [[Klachten, wensen en eigen doelen]], [[Complaints, wishes and own goals]], [[Waar iemand zelf mee komt.]])
* insert Concept([[roken]], [[Roken]], [[Smoking]], [[Rookt iemand, en is hulp bij stoppen gewenst.]])
* insert Concept([[bewegen]], [[Bewegen]], [[Exercise]], [[Hoeveel iemand beweegt en wat haalbaar is.]])
* insert Concept([[eten]], [[Eten en drinken]], [[Food and drink]], [[Voeding en alcohol.]])
* insert Concept([[gewicht]], [[Gewicht]], [[Weight]], [[Meten en vergelijken met eerder.]])
* insert Concept([[bloeddruk]], [[Bloeddruk]], [[Blood pressure]], [[Meten en vergelijken met de streefwaarde.]])
* insert Concept([[pols]], [[Pols en hartritme]], [[Pulse and heart rhythm]], [[Hoe snel en hoe regelmatig.]])
* insert Concept([[nierfunctie]], [[Nierfunctie]], [[Kidney function]], [[Bloedonderzoek.]])
* insert Concept([[eiwit-urine]], [[Eiwit in de urine]], [[Protein in urine]], [[Onderzoek van de urine.]])
* insert Concept([[bloedsuiker]], [[Bloedsuiker]], [[Blood glucose]], [[Gemiddelde over de laatste maanden en metingen thuis.]])
* insert Concept([[cholesterol]], [[Cholesterol]], [[Cholesterol]], [[Bloedonderzoek.]])
* insert Concept([[voeten]], [[Voeten]], [[Feet]], [[Gevoel, doorbloeding en wondjes.]])
* insert Concept([[ziektelast]], [[Ziektelast]], [[Burden of disease]], [[Wat iemand in het dagelijks leven van de klachten merkt.]])
* insert Concept([[longaanvallen]], [[Longaanvallen]], [[Exacerbations]], [[Hoe vaak, en wat dan te doen.]])
* insert Concept([[longfunctie]], [[Longfunctie]], [[Lung function]], [[Blaasonderzoek.]])
* insert Concept([[inhaleren]], [[Inhaleren]], [[Inhaling]], [[Of het inhaleren goed gaat.]])
* insert Concept([[antistolling]], [[Bloedverdunners]], [[Anticoagulants]], [[Of het middel nog past, gebruik en bloedingen.]])
* insert Concept([[medicijngebruik]], [[Medicijngebruik]], [[Use of medication]], [[Wat lukt, wat niet, bijwerkingen.]])
* insert Concept([[vallen]], [[Vallen]], [[Falling]], [[Gevallen in het laatste jaar, en wat het risico kleiner maakt.]])
* insert Concept([[geheugen-stemming]], [[Geheugen en stemming]], [[Memory and mood]], [[Wat iemand zelf en de naaste merken.]])
* insert Concept([[zien-horen]], [[Zien en horen]], [[Seeing and hearing]], [[Bril, gehoorapparaat, onderzoek.]])
* insert Concept([[mantelzorg]], [[Belasting van de mantelzorger]], [[Carer strain]], [[Gaat het nog, en wat zou helpen.]])
* insert Concept([[zorg-later]], [[Wensen over zorg later]], [[Wishes about later care]], [[Gesprek over behandelgrenzen en wie er dan beslist.]])

ValueSet: PlanActivities
Id: plan-activity
Title: "Activiteiten van programma's"
Description: "Alle activiteiten."
* insert English([[Activities of programmes]], [[All activities.]])
* ^experimental = false
* include codes from system PlanActivity

CodeSystem: MeasureStratifier
Id: measure-stratifier
Title: "Waarnaar cijfers verdeeld zijn"
Description: "Van wie de cijfers zijn waaruit een totaal bestaat."
* insert Translated([[What figures are divided by]], [[Whose the figures are that a total is made of.]])
* insert Complete
* insert Concept([[care-group]], [[Zorggroep]], [[Care group]], [[De zorggroep waarbij praktijken zijn aangesloten.]])
* insert Concept([[practice]], [[Praktijk]], [[Practice]], [[De praktijk waar patiënten staan ingeschreven.]])

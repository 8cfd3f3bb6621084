"""The student edition: a chapter's exercises as nbgrader assignments, and the proof that they grade.

`exercises` reads them from a chapter, `assignment` writes the notebook that nbgrader starts from,
`course` makes the students' and the instructor's sets, grades, and proves the grading.
"""

"""From pictures to a served model in stages, each made once and kept in the run folder.

`stages.STAGES` lists them: a name, a function, a version and the type of artifact it makes.
`planning` says what each depends on, `run.run` runs those that are not made yet, `cache`
keeps artifacts by fingerprint, `artifacts` loads them, `attempts` trains with another seed
where masks are trivial. `kubeflow` writes the stages as a pipeline of Kubeflow
(`kubeflow_stages`), also for the runs of `sweeps`; its containers run `kubeflow_step`.
`declared` reads from the sources which stage takes which setting. What lies where in a run
folder is `tfcomgan/run_folder.py`. May import every room of tfcomgan,
and none of its commands.
"""
